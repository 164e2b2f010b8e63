"""What the folders of Hugging Face's `transformers` have in common: config.json and the processor's settings."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from patchword.checkpoints.imported import ImportOptions, distinct
from patchword.checkpoints.settings import Settings
from patchword.errors import CheckpointError

IMAGENET_DEFAULT = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
IMAGENET_STANDARD = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}

ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
}

_RESAMPLING = {2: "bilinear", 3: "bicubic"}  # Pillow's numbers


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object.

    Raises:
        CheckpointError: if the file is missing or holds something else.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        json.dumps(values, ensure_ascii=False).encode()  # half a surrogate pair can be read but not written
    except FileNotFoundError:
        raise CheckpointError(path.parent, f"{path.name} is missing") from None
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(path, f"cannot be read as JSON: {error}") from None
    if not isinstance(values, dict):
        raise CheckpointError(path, f"expected a JSON object, found a {type(values).__name__}")
    return values


def activation(folder: Path, name: Any) -> str:
    """Our name of an activation.

    Raises:
        CheckpointError: if we have no such activation.
    """
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise CheckpointError(folder, f"config.json: unknown activation {name!r}; valid: {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]


def class_names(config: Mapping[str, Any], num_classes: int, options: ImportOptions, folder: Path) -> list[str]:
    """Names of the classes: the option's, the config's, or their numbers.

    Raises:
        CheckpointError: if the names given are not as many as the classes, or the config's are no table.
    """
    if options.classes is not None:
        if len(options.classes) != num_classes:
            raise CheckpointError(folder, f"has {num_classes} classes, but {len(options.classes)} names were given")
        return distinct(options.classes)
    labels = Settings(folder / "config.json", config).table("id2label")
    return distinct(str(labels.get(str(i), i)) for i in range(num_classes))


def vit_fields(config: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Fields of `VisionTransformerConfig` that ViT, DeiT and DINOv2 name alike.

    Raises:
        CheckpointError: if one is missing or is no number.
    """
    settings = Settings(folder / "config.json", config)
    return {
        "image_size": settings.sides("image_size", 224),
        "patch_size": settings.whole("patch_size", 16, least=1),
        "channels": settings.whole("num_channels", 3, least=1),
        "d_model": settings.whole("hidden_size", least=1),
        "num_heads": settings.whole("num_attention_heads", least=1),
        "num_layers": settings.whole("num_hidden_layers", least=1),
        "activation": activation(folder, settings.get("hidden_act", "gelu")),
        "position_resize": "bicubic",
    }


def read_preprocessing(folder: Path, defaults: Mapping[str, Any], native: tuple[int, int]) -> dict[str, Any]:
    """preprocessor_config.json as fields of `Preprocessing`.

    Args:
        folder: where the file is; without one the family's defaults hold.
        defaults: the settings of the family's processor class, in that file's own terms.
        native: (height, width) that the positions were made for, used where nothing says a size.

    Raises:
        CheckpointError: if a step is switched on or off that we cannot do without.
    """
    path = folder / "preprocessor_config.json"
    settings = Settings(path, read_json(path) if path.is_file() else {}, defaults)
    kind = str(settings.get("image_processor_type", settings.get("feature_extractor_type", "")))
    if not settings.get("do_resize", True) or not settings.get("do_rescale", True):
        raise CheckpointError(path, "do_resize and do_rescale must be true")
    if abs(settings.number("rescale_factor", 1 / 255) - 1 / 255) > 1e-6:
        raise CheckpointError(path, f"rescale_factor = {settings.get('rescale_factor')}: only 1/255 is known")
    resample = settings.whole("resample", 2)
    if resample not in _RESAMPLING:
        raise CheckpointError(path, f"resample = {resample}: only 2 (bilinear) and 3 (bicubic) are known")
    size = settings.get("size")
    squashes = kind.startswith(("ViT", "DeiT")) if kind else "shortest_edge" not in defaults.get("size", ())
    if isinstance(size, int) and not squashes:
        size = {"shortest_edge": size}  # older files; for the squashing processors a number is both sides
    shortest = isinstance(size, dict) and size.get("shortest_edge") is not None
    edge = Settings(path, size if shortest else {})
    resized = edge.sides("shortest_edge") if shortest else settings.sides("size", native)
    crops = bool(settings.get("do_center_crop")) and settings.get("crop_size") is not None
    cropped = settings.sides("crop_size") if crops else resized
    if shortest and cropped == resized and not settings.get("do_center_crop"):
        raise CheckpointError(path, "scales the shortest edge without cropping: images would differ in size")
    fractions = {round(cropped[axis] / resized[axis], 6) for axis in (0, 1)}
    if cropped[0] > resized[0] or len(fractions) != 1:
        raise CheckpointError(path, f"cannot cut {cropped} out of images resized to {resized}")
    normalise = settings.get("do_normalize", True)
    return {
        "image_size": list(cropped),
        "resize": "crop" if shortest else "squash",
        "crop_fraction": cropped[0] / resized[0],
        "crop_rounding": "down",
        "interpolation": _RESAMPLING[resample],
        "mean": settings.numbers("image_mean") if normalise else [0.0, 0.0, 0.0],
        "std": settings.numbers("image_std") if normalise else [1.0, 1.0, 1.0],
    }
