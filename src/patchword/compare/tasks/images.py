"""Images in memory: scikit-learn's digits, and CIFAR-10 where its zips are."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from patchword.compare.tasks.classes import Classes, Split, split_rows
from patchword.errors import DataError
from patchword.images.dataset import read_dataset


def digits(generator: torch.Generator, train: int | None = None, held_out: tuple[float, float] = (0.2, 0.2)) -> Classes:
    """1,797 handwritten digits (count, 1, 8, 8) in ten classes.

    Args:
        generator: of the split.
        train: how many to learn from; all that remain by default.
        held_out: shares for validation and test.
    """
    from sklearn.datasets import load_digits

    pixels, classes = load_digits(return_X_y=True)
    images = torch.tensor(pixels, dtype=torch.float32).view(-1, 1, 8, 8) / 8 - 1
    task = _split(images, torch.tensor(classes), held_out, generator, train)
    return replace(task, background=float(images.min()))


def cifar10(folder: Path, generator: torch.Generator, train: int | None = None, validation: int = 2000) -> Classes:
    """CIFAR-10, (count, 3, 32, 32); its own test images are the test.

    Args:
        folder: with `train.zip` and `test.zip`, a folder a class in each.
        generator: of the choice of training and validation images.
        train: how many to learn from; all that remain by default.
        validation: how many to tune on.

    Raises:
        DataError: if a zip is missing or damaged.
    """
    images, classes = _pixels(folder / "train.zip")
    whole = _split(images, classes, (validation / len(classes), 0.0), generator, train)
    test_images, test_classes = _pixels(folder / "test.zip")
    return Classes(whole.train, whole.validation, Split(_normalised(test_images), test_classes), 10)


def _split(
    images: Tensor, classes: Tensor, parts: tuple[float, float], generator: torch.Generator, train: int | None
) -> Classes:
    train_rows, validation, test = split_rows(len(classes), parts, generator)
    splits = [Split(_normalised(images[rows]), classes[rows]) for rows in (train_rows[:train], validation, test)]
    return Classes(splits[0], splits[1], splits[2], int(classes.max()) + 1)


def _normalised(images: Tensor) -> Tensor:
    return images.float() / 64 - 2 if images.dtype == torch.uint8 else images


# 180 MB of bytes; a process reads them once, however many cells it runs.
@lru_cache(maxsize=2)
def _pixels(path: Path) -> tuple[Tensor, Tensor]:
    data = read_dataset(path)
    if len(data.classes) != 10:
        raise DataError(path, f"has {len(data.classes)} classes; expected the ten of CIFAR-10")
    pixels = np.stack([np.asarray(data.open(index).convert("RGB")) for index in range(len(data))])
    if pixels.shape[1:] != (32, 32, 3):
        raise DataError(path, f"has images of {pixels.shape[2]} x {pixels.shape[1]} pixels; expected 32 x 32")
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(), torch.tensor(data.labels)
