"""Windows cut from larger canvases: real shifts, in which nothing is filled in or wrapped around."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from patchword.compare.tasks.classes import Classes, Split
from patchword.compare.tasks.images import cifar10, digits

SEEN, CANVAS = 24, 32  # pixels a side: of what a network sees, and of what that is cut from
SHIFTS = range(1, CANVAS - SEEN + 1)


def on_canvases(task: Classes) -> Classes:
    """Small images, such as digits of 8 x 8 pixels, twice as large on canvases of background."""

    def enlarged(split: Split) -> Split:
        pixels = F.interpolate(split.inputs, scale_factor=2, mode="bilinear")
        margin = (CANVAS - pixels.size(-1)) // 2
        return Split(F.pad(pixels, (margin,) * 4, value=float(split.inputs.min())), split.classes)

    return _changed(task, enlarged)


def middle(task: Classes) -> Classes:
    """The same with the middle window of every canvas."""
    start = (CANVAS - SEEN) // 2
    return _changed(task, lambda split: Split(_window(split.inputs, start, start), split.classes))


def pictures(folder: Path | None, generator: torch.Generator, train: int) -> Classes:
    """CIFAR-10 of 32 x 32 pixels where it is, or digits of 24 x 24: large enough for layers to see parts of them.

    Args:
        folder: of CIFAR-10, or None.
        generator: of the choice of images.
        train: CIFAR-10's images to learn from.
    """
    return middle(on_canvases(digits(generator))) if folder is None else cifar10(folder, generator, train)


def apart(canvases: Tensor, shift: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Two windows of each canvas that lie so many pixels apart, equally far from its middle; downwards, then across."""
    centre, first = (CANVAS - SEEN) // 2, (CANVAS - SEEN - shift) // 2
    yield _window(canvases, first, centre), _window(canvases, first + shift, centre)
    yield _window(canvases, centre, first), _window(canvases, centre, first + shift)


def shuffled(images: Tensor, patch: int, generator: torch.Generator) -> Tensor:
    """Images (batch, channels, height, width) with their patches in another order, the same for all."""
    size = (images.size(2), images.size(3))
    patches = F.unfold(images, patch, stride=patch)
    return F.fold(patches[:, :, torch.randperm(patches.size(2), generator=generator)], size, patch, stride=patch)


def _window(canvases: Tensor, row: int, column: int) -> Tensor:
    return canvases[:, :, row : row + SEEN, column : column + SEEN].contiguous()


def _changed(task: Classes, change: Callable[[Split], Split]) -> Classes:
    return replace(task, train=change(task.train), validation=change(task.validation), test=change(task.test))
