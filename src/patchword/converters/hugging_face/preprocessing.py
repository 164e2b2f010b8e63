"""The processor's settings in the folders of Hugging Face's `transformers`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from patchword.converters.settings import Settings, read_json
from patchword.errors import CheckpointError

_RESAMPLING = {2: "bilinear", 3: "bicubic"}  # Pillow's numbers


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
