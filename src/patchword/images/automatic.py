"""Sizes for an image classifier when nobody wrote a recipe."""

from statistics import median
from typing import Any

from patchword.errors import DataError
from patchword.images.dataset import LabelledImages


def choose_recipe(data: LabelledImages) -> tuple[dict[str, Any], list[str]]:
    """Recipe values for some images, and sentences that say what was picked and why.

    Args:
        data: the training images; a few of them are opened to see their size.

    Returns:
        everything of a `ClassificationRecipe` but its data; and the sentences.
    """
    side = _typical_side(data)
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
    batch_size = 64 if count < 5_000 else 128
    steps = epochs * max(1, count * 9 // 10 // batch_size)
    notes = [
        f"picked images of {size} x {size} pixels and patches of {patch}: the files have about {side} pixels a side",
        f"picked a ViT of {layers} layers and width 192 for {count:,} images in {len(data.classes)} classes",
        f"picked {epochs} epochs ({steps:,} steps of {batch_size} images), keeping the best by validation accuracy",
    ]
    values = {
        "task": "classification",
        "batch_size": batch_size,
        "preprocessing": {"image_size": [size, size], "resize": "crop", "interpolation": "bicubic"},
        "augmentation": {"flip": side > 12, "pad_crop": size // 8},
        "model": {"name": f"Ti/{patch}", "num_layers": layers, "d_ff": 384, "drop_path": 0.05},
        "optimizer": {
            "learning_rate": 1e-3,
            "betas": [0.9, 0.999],
            "eps": 1e-8,
            "weight_decay": 0.05,
            "clip_norm": 1.0,
        },
        "schedule": {"name": "cosine", "warmup_steps": max(1, min(500, steps // 10))},
        "training": {"max_steps": steps, "ema_decay": 0.998, "label_smoothing": 0.1},
    }
    return values, notes


def _typical_side(data: LabelledImages) -> int:
    sides = []
    for index in range(0, len(data), max(1, len(data) // 20)):
        try:
            sides.append(min(data.open(index).size))
        except DataError:
            continue
    if not sides:
        raise DataError(data.origin, "none of the images that were tried can be read")
    return int(median(sides))
