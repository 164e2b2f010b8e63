"""What the config.json files of timm have in common."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from patchword.converters.settings import Settings
from patchword.errors import CheckpointError, shown


def timm_input_size(origin: Path, settings: Settings) -> tuple[int, int] | None:
    """(height, width) of "input_size", which is (channels, height, width); None where there is none.

    Raises:
        CheckpointError: if it is something else.
    """
    shape = settings.get("input_size")
    sides = shape[1:] if isinstance(shape, list | tuple) and len(shape) == 3 else shape
    return None if shape is None else Settings(origin / "config.json", {"input_size": sides}).sides("input_size")


def assumed_by_timm(settings: Settings) -> tuple[str, ...]:
    """What a config.json does not say of preprocessing and is timm's own default then, a sentence."""
    keys = ("input_size", "crop_pct", "interpolation", "mean", "std")
    missing = [key for key in keys if settings.get(key) is None]
    return (f"config.json has no {' and no '.join(missing)}: assumed timm's own",) if missing else ()


def timm_preprocessing(
    origin: Path, settings: Settings, native: tuple[int, int], crop: float, normalisation: Mapping[str, list[float]]
) -> dict[str, Any]:
    """Fields of `Preprocessing`: what timm scores with at "input_size"; it has larger sizes for tests, not used here.

    Args:
        origin: the folder.
        settings: its config.json, with what is in "pretrained_cfg".
        native: (height, width) where no size is given.
        crop: "crop_pct" where none is given.
        normalisation: "mean" and "std" where none are given.

    Raises:
        CheckpointError: if a setting is one that we cannot follow.
    """
    mode, interpolation = settings.get("crop_mode", "center"), settings.get("interpolation", "bicubic")
    if mode not in ("center", "squash") or interpolation not in ("bicubic", "bilinear"):
        raise CheckpointError(
            origin, f"config.json: crop_mode {shown(mode)} with {shown(interpolation)} is not supported"
        )
    return {
        "image_size": list(timm_input_size(origin, settings) or native),
        "resize": "crop" if mode == "center" else "squash",
        "crop_fraction": settings.number("crop_pct", crop),
        "interpolation": interpolation,
        "mean": settings.numbers("mean", normalisation["mean"]),
        "std": settings.numbers("std", normalisation["std"]),
    }
