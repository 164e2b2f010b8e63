"""The processor's settings in the folders of Hugging Face's `transformers`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from patchword.converters.settings import Settings, is_there, read_json
from patchword.errors import CheckpointError, ExportError, clipped, shown

_RESAMPLING = {2: "bilinear", 3: "bicubic"}  # Pillow's numbers
# Steps of processors that are followed, or that change nothing of a picture in RGB and its class.
_STEPS = frozenset({"do_resize", "do_rescale", "do_normalize", "do_center_crop", "do_convert_rgb", "do_reduce_labels"})
# Those of others' that are not called so.
_OTHERS = frozenset({"offset", "rescale_offset", "include_top"})
_NUMBERS = {name: number for number, name in _RESAMPLING.items()}


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
    settings = Settings(path, read_json(path) if is_there(path) else {}, defaults)
    kind = str(settings.get("image_processor_type", settings.get("feature_extractor_type", "")))
    if not settings.flag("do_resize", True) or not settings.flag("do_rescale", True):
        raise CheckpointError(path, "do_resize and do_rescale must be true")
    for key in settings:
        if ((key.startswith("do_") and key not in _STEPS) or key in _OTHERS) and settings.get(key):
            raise CheckpointError(path, f"{clipped(key)} = {shown(settings.get(key))}: a step that is not known here")
    if abs(settings.number("rescale_factor", 1 / 255) - 1 / 255) > 1e-6:
        raise CheckpointError(path, f"rescale_factor = {settings.get('rescale_factor')}: only 1/255 is known")
    resample = settings.whole("resample", 2)
    if resample not in _RESAMPLING:
        raise CheckpointError(path, f"resample = {resample}: only 2 (bilinear) and 3 (bicubic) are known")
    if kind.startswith("ConvNext"):
        settings = _convnext(path, settings)
    size = settings.get("size")
    squashes = kind.startswith(("ViT", "DeiT")) if kind else "shortest_edge" not in defaults.get("size", ())
    if isinstance(size, int) and not squashes:
        size = {"shortest_edge": size}  # older files; for the squashing processors a number is both sides
    shortest = isinstance(size, dict) and size.get("shortest_edge") is not None
    edge = Settings(path, size if shortest else {})
    resized = edge.sides("shortest_edge") if shortest else settings.sides("size", native)
    crops = settings.flag("do_center_crop") and settings.get("crop_size") is not None
    cropped = settings.sides("crop_size") if crops else resized
    if shortest and cropped == resized and not settings.flag("do_center_crop"):
        raise CheckpointError(path, "scales the shortest edge without cropping: images would differ in size")
    fractions = {round(cropped[axis] / resized[axis], 6) for axis in (0, 1)}
    if cropped[0] > resized[0] or len(fractions) != 1:
        raise CheckpointError(path, f"cannot cut {cropped} out of images resized to {resized}")
    normalise = settings.flag("do_normalize", True)
    return {
        "image_size": list(cropped),
        "resize": "crop" if shortest else "squash",
        "crop_fraction": cropped[0] / resized[0],
        "crop_rounding": "down",
        "interpolation": _RESAMPLING[resample],
        "mean": settings.numbers("image_mean") if normalise else [0.0, 0.0, 0.0],
        "std": settings.numbers("image_std") if normalise else [1.0, 1.0, 1.0],
    }


def assumed_preprocessing(folder: Path) -> tuple[str, ...]:
    """What preprocessor_config.json does not say and is the family's own default then, a sentence."""
    path = folder / "preprocessor_config.json"
    if not is_there(path):
        return ("no preprocessor_config.json: assumed the defaults of the family's processor",)
    values = read_json(path)
    wanted = ("resample", *(("image_mean", "image_std") if values.get("do_normalize", True) else ()))
    missing = [key for key in wanted if values.get(key) is None]
    return (f"preprocessor_config.json has no {' and no '.join(missing)}: assumed the family's own",) if missing else ()


def processor_settings(preprocessing: Mapping[str, Any]) -> dict[str, Any]:
    """preprocessor_config.json: the settings of the processor class that does the same steps.

    Args:
        preprocessing: fields of `Preprocessing`.

    Raises:
        ExportError: if there is none.
    """
    height, width = preprocessing["image_size"]
    fraction = preprocessing.get("crop_fraction", 1.0)
    resized = {"height": int(height / fraction + 1e-6), "width": int(width / fraction + 1e-6)}
    settings: dict[str, Any] = {
        "do_resize": True,
        "resample": _NUMBERS[preprocessing["interpolation"]],
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": list(preprocessing["mean"]),
        "image_std": list(preprocessing["std"]),
    }
    crop = {"do_center_crop": True, "crop_size": {"height": height, "width": width}}
    if preprocessing["resize"] == "squash":
        kind, crop = ("ViTImageProcessor", {}) if fraction == 1.0 else ("DeiTImageProcessor", crop)
        return {"image_processor_type": kind, "size": resized, **crop, **settings}
    if preprocessing["resize"] == "pad":
        raise ExportError(
            "--to hf: transformers has no processor that pads images as preprocessing.resize = 'pad' does"
        )
    if height != width:
        raise ExportError(
            f"--to hf: transformers has no processor that crops to {height} x {width}; "
            "only squares are scaled by their shortest edge"
        )
    return {
        "image_processor_type": "BitImageProcessor",
        "size": {"shortest_edge": resized["height"]},
        **crop,
        **settings,
    }


def _convnext(path: Path, settings: Settings) -> Settings:
    """ConvNextImageProcessor in the terms of the others: below 384 pixels it crops, from there on it squashes."""
    size = settings.get("size")
    edge = size.get("shortest_edge") if isinstance(size, dict) else size
    height, _ = Settings(path, {"size": edge}).sides("size")
    crop = settings.number("crop_pct", 224 / 256)
    if not 0 < crop <= 1:
        raise CheckpointError(path, f"crop_pct = {crop}: expected a share of the image, more than 0 and up to 1")
    square = {"height": height, "width": height}
    same = {key: settings.get(key) for key in ("do_resize", "do_rescale", "do_normalize", "rescale_factor", "resample")}
    same |= {key: settings.get(key) for key in ("image_mean", "image_std")}
    if height >= 384:
        return Settings(path, {**same, "size": square})
    cropped = {"size": {"shortest_edge": int(height / crop)}, "do_center_crop": True, "crop_size": square}
    return Settings(path, {**same, **cropped})
