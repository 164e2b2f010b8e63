"""Sizes for an image classifier when nobody wrote a recipe."""

from collections.abc import Callable
from statistics import median
from typing import Any

from patchword.errors import DataError
from patchword.images.dataset import LabelledImages
from patchword.models.registry import architecture_for
from patchword.training.recipe import AUTO


def choose_recipe(
    data: LabelledImages, architecture: str | None = None, batch_size: object = None
) -> tuple[dict[str, Any], list[str]]:
    """Recipe values for some images, and sentences that say what was picked and why.

    Args:
        data: the training images; a few of them are opened to see their size.
        architecture: which; the ViT if nothing is said.
        batch_size: that is given already.

    Returns:
        everything of a `ClassificationRecipe` but its data; and the sentences.

    Raises:
        RecipeError: if there is no such architecture for classification.
    """
    return PRESETS[architecture_for("classification", architecture)](data, _typical_side(data), batch_size)


def _vision_transformer(data: LabelledImages, side: int, batch_size: object) -> tuple[dict[str, Any], list[str]]:
    if side <= 12:
        size, patch = 4 * max(2, round(side / 4)), 2
    elif side <= 40:
        size, patch = 32, 4
    elif side <= 96:
        size, patch = 64, 8
    else:
        size, patch = 160, 16
    count = len(data)
    layers = 6 if count < 20_000 else 9
    epochs = max(10, min(100, 600_000 // max(1, count)))
    notes = [
        f"picked images of {size} x {size} pixels and patches of {patch}: the files have about {side} pixels a side",
        f"picked a ViT of {layers} layers and width 192 for {count:,} images in {len(data.classes)} classes",
    ]
    values = {
        "model": {
            "architecture": "vision_transformer",
            "name": f"Ti/{patch}",
            "num_layers": layers,
            "d_ff": 384,
            "drop_path": 0.05,
        },
        "optimizer": {
            "learning_rate": 1e-3,
            "betas": [0.9, 0.999],
            "eps": 1e-8,
            "weight_decay": 0.05,
            "clip_norm": 1.0,
        },
    }
    return _scheduled(values, notes, count, size, side, epochs, batch_size)


def _residual_network(data: LabelledImages, side: int, batch_size: object) -> tuple[dict[str, Any], list[str]]:
    count = len(data)
    if side <= 96:
        size = 4 * max(2, round(side / 4)) if side <= 12 else 32 if side <= 40 else 64
        name, layers = "resnet20", "8 layers of up to 256 channels"
        # Flatter and wider than the paper's: as many products, in shapes that a CPU multiplies several times as fast.
        shape: dict[str, Any] = {"depths": [1, 1, 1], "widths": [64, 128, 256], "stem_width": 32}
        shape |= {"downsample_in_first_stage": True, "shortcut": "average"}
    else:
        size, name, layers, shape = 160, "resnet18", "18 layers", {}
    epochs = max(10, min(60, 600_000 // max(1, count)))
    notes = [
        f"picked images of {size} x {size} pixels: the files have about {side} pixels a side",
        f"picked a ResNet of {layers} for {count:,} images in {len(data.classes)} classes",
    ]
    values = {
        "model": {"architecture": "residual_network", "name": name, **shape},
        "optimizer": {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 5e-4},
    }
    return _scheduled(values, notes, count, size, side, epochs, batch_size)


def _scheduled(
    values: dict[str, Any], notes: list[str], count: int, size: int, side: int, epochs: int, given: object
) -> tuple[dict[str, Any], list[str]]:
    """What both architectures have in common: images, batches, and a cosine over whole epochs."""
    batch_size, steps, limit, told = _length(epochs, count, 64 if count < 5_000 else 128, given)
    text = f"picked {told}, keeping the best by validation accuracy"
    common = {
        "task": "classification",
        "batch_size": batch_size,
        "preprocessing": {"image_size": [size, size], "resize": "crop", "interpolation": "bicubic"},
        "augmentation": {"flip": side > 12, "pad_crop": size // 8},
        "schedule": {"name": "cosine", "warmup_steps": max(1, min(500, steps // 10))},
        "training": {**limit, "ema_decay": 0.998, "label_smoothing": 0.1},
    }
    return {**common, **values}, [*notes, text]


def _length(epochs: int, count: int, picked: int, given: object) -> tuple[int, int, dict[str, int], str]:
    """A training's batch size, about its number of steps, its limit, and what to say of them.

    Args:
        epochs: to go through the data.
        count: of images, a tenth of which are held out.
        picked: size of batches where nobody says otherwise.
        given: what somebody says; of a size that is not known yet the limit is in epochs.
    """
    size = given if isinstance(given, int) and given > 0 else picked
    steps = epochs * max(1, count * 9 // 10 // size)
    if given == AUTO:
        return size, steps, {"max_epochs": epochs}, f"{epochs} epochs"
    return size, steps, {"max_steps": steps}, f"{epochs} epochs ({steps:,} steps of {size} images)"


def choose_fine_tuning(
    data: LabelledImages, image_size: tuple[int, int], freeze: str | None = None, batch_size: object = None
) -> tuple[dict[str, Any], list[str]]:
    """Recipe values for training that starts from an init model, and sentences that say what was picked and why.

    Args:
        data: the training images.
        image_size: (height, width) that the init model takes.
        freeze: "backbone" for a linear probe, which bears a larger rate than fine-tuning and needs no layer-wise decay.
        batch_size: that is given already.

    Returns:
        what a `ClassificationRecipe` needs beside its data, `init` and `freeze`; and the sentences.
    """
    count = len(data)
    epochs = max(5, min(30, 30_000 // max(1, count)))
    batch_size, steps, limit, told = _length(epochs, count, 32 if count < 2_000 else 64, batch_size)
    warmup = max(1, min(100, steps // 10))
    rate, decay = (1e-2, 1.0) if freeze else (3e-4, 0.75)
    side = min(image_size)
    kept = "of the head alone" if freeze else f"for the head, {decay} times that of the layer above for each layer"
    notes = [
        f"picked a learning rate of {rate:g} {kept}, after a warm-up of {warmup} steps",
        f"picked {told} for {count:,} images in {len(data.classes)} classes, keeping the best by validation accuracy",
    ]
    values: dict[str, Any] = {
        "task": "classification",
        "batch_size": batch_size,
        "augmentation": {"flip": _typical_side(data) > 12, "pad_crop": side // 8},
        "optimizer": {
            "learning_rate": rate,
            "layer_decay": decay,
            "betas": [0.9, 0.999],
            "eps": 1e-8,
            "weight_decay": 0.0 if freeze else 0.05,
            "clip_norm": 1.0,
        },
        "schedule": {"name": "cosine", "warmup_steps": warmup},
        "training": {**limit, "ema_decay": 0.99, "label_smoothing": 0.1},
    }
    if not freeze:
        values["model"] = {"drop_path": 0.05}
    return values, notes


def _typical_side(data: LabelledImages) -> int:
    sides, reasons = [], []
    for index in range(0, len(data), max(1, len(data) // 20)):
        try:
            sides.append(min(data.open(index).size))
        except DataError as error:
            reasons.append(str(error))
    if not sides:
        raise DataError(data.origin, f"none of the images that were tried can be read; the first: {reasons[0]}")
    return int(median(sides))


# By architecture, what picks a recipe from the images and the typical side of their files in pixels.
PRESETS: dict[str, Callable[[LabelledImages, int, object], tuple[dict[str, Any], list[str]]]] = {
    "vision_transformer": _vision_transformer,
    "residual_network": _residual_network,
}
