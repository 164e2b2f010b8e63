"""Inputs with one right class each: images for a network of images, or token sequences for a `Reader`."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from patchword.compare.training import Batch, Part, beside, shuffled

AT_ONCE = 256  # examples, in measuring


@dataclass(frozen=True)
class Split:
    """Inputs and their classes (count,)."""

    inputs: Tensor
    classes: Tensor

    def __len__(self) -> int:
        return len(self.classes)

    def first(self, count: int) -> "Split":
        """The first of them."""
        return Split(self.inputs[:count], self.classes[:count])


@dataclass(frozen=True)
class Classes:
    """A task of classes; a network gives logits.

    Attributes:
        train: what is learned from.
        validation: what learning rates are tuned on.
        test: what the claim is judged by.
        count: of classes.
        shift: pixels by which training images are shifted at random; 0 for not at all.
        mirror: whether half of the shifted images are mirrored too, which suits things and no signs.
        background: what a shifted image is filled up with.
    """

    train: Split
    validation: Split
    test: Split
    count: int
    shift: int = 0
    mirror: bool = False
    background: float = 0.0

    def batches(self, size: int, steps: int, generator: torch.Generator) -> Iterator[Batch]:
        """See `Task.batches`."""
        for rows in shuffled(len(self.train), size, steps, generator):
            inputs = self.train.inputs[rows]
            if self.shift:
                inputs = shifted(inputs, self.shift, generator, self.mirror, self.background)
            yield inputs, self.train.classes[rows]

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Cross-entropy."""
        inputs, classes = batch
        return F.cross_entropy(network(inputs), classes)

    def measured(self, network: nn.Module, part: Part) -> dict[str, float]:
        """`accuracy` from 0 to 1, and the mean `loss` in nats."""
        split: Split = getattr(self, part)
        pieces = zip(split.inputs.split(AT_ONCE), split.classes.split(AT_ONCE), strict=True)
        right, loss = 0, 0.0
        for inputs, classes in pieces:
            inputs, classes = beside(network, inputs), beside(network, classes)
            logits = network(inputs)
            right += int((logits.argmax(1) == classes).sum())
            loss += float(F.cross_entropy(logits, classes, reduction="sum"))
        return {"accuracy": right / len(split), "loss": loss / len(split)}


def shifted(
    images: Tensor, most: int, generator: torch.Generator, mirror: bool = False, background: float = 0.0
) -> Tensor:
    """Images (batch, channels, height, width), each moved by up to `most` pixels over a background.

    With `mirror` half of them are mirrored.
    """
    batch, channels, height, width = images.shape
    padded = F.pad(images, (most,) * 4, value=background)
    rows = torch.randint(2 * most + 1, (batch, 1), generator=generator) + torch.arange(height)
    columns = torch.randint(2 * most + 1, (batch, 1), generator=generator) + torch.arange(width)
    if mirror:
        turned = torch.rand(batch, generator=generator) < 0.5
        columns = torch.where(turned[:, None], columns.flip(1), columns)
    # Indexing every axis gives ordinary strides. Those of a permuted tensor with one channel are taken for another
    # memory format by the CPU's convolutions, which then write beyond what is theirs.
    image, channel = torch.arange(batch)[:, None, None, None], torch.arange(channels)[:, None, None]
    return padded[image, channel, rows[:, None, :, None], columns[:, None, None, :]]


def split_rows(count: int, parts: tuple[float, float], generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Row numbers for training, validation and test; `parts` are the shares of the last two."""
    rows = torch.randperm(count, generator=generator)
    validation, test = (round(part * count) for part in parts)
    return rows[validation + test :], rows[:validation], rows[validation : validation + test]
