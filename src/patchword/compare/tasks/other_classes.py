"""A task cut in two by its classes: some to pre-train on, and others, of which few images are learned from."""

from dataclasses import replace

import torch
from torch import Tensor

from patchword.compare.tasks.classes import Classes, Split


def divided(task: Classes, first: int, generator: torch.Generator) -> tuple[Classes, Classes]:
    """Two tasks without a class in common, each with its classes counted from 0.

    Args:
        task: of all classes.
        first: how many classes the first of the two has.
        generator: of the choice.
    """
    order = torch.randperm(task.count, generator=generator)
    return _of(task, order[:first]), _of(task, order[first:])


def few(task: Classes, number: int) -> Classes:
    """The same with the first images of every class to learn from, so that fewer are always among more.

    Args:
        task: whose validation and test stay whole.
        number: of images of each class.

    Raises:
        ValueError: if a class has not as many.
    """
    classes = task.train.classes
    rows = [(classes == each).nonzero().flatten()[:number] for each in range(task.count)]
    least = min(map(len, rows))
    if least < number:
        raise ValueError(f"a class has {least} images to learn from; expected {number}")
    return replace(task, train=_rows(task.train, torch.cat(rows).sort().values))


def _of(task: Classes, chosen: Tensor) -> Classes:
    """The images of some classes, numbered by their place among them."""
    places = torch.full((task.count,), -1)
    places[chosen] = torch.arange(len(chosen))

    def part(split: Split) -> Split:
        kept = _rows(split, (places[split.classes] >= 0).nonzero().flatten())
        return Split(kept.inputs, places[kept.classes])

    return replace(
        task, train=part(task.train), validation=part(task.validation), test=part(task.test), count=len(chosen)
    )


def _rows(split: Split, rows: Tensor) -> Split:
    return Split(split.inputs[rows], split.classes[rows])
