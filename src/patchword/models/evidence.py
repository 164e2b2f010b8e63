"""What models offer to be looked at, and how they are kept still meanwhile."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class EvidenceMap:
    """One kind of what a model looked at.

    Attributes:
        axes: what each dimension of `values` counts, such as ("layer", "batch", "head", "query", "key").
        values: not negative.
        grid: rows and columns of the image patches that the last rows * columns places of the last axis are, if any.
        readers: the share of each query in what the model's answer is made from, (query,), summing to 1; 1 for a
            class token that alone is read.
    """

    axes: tuple[str, ...]
    values: Tensor
    grid: tuple[int, int] | None = None
    readers: Tensor | None = None

    def __post_init__(self) -> None:
        assert len(self.axes) == self.values.dim(), (self.axes, self.values.shape)


@dataclass(frozen=True)
class LearnedArray:
    """Weights that people can look at: the same for every image.

    Attributes:
        axes: what each dimension of `values` counts, such as ("filter", "row", "column", "channel").
        values: float32.
    """

    axes: tuple[str, ...]
    values: Tensor

    def __post_init__(self) -> None:
        assert len(self.axes) == self.values.dim(), (self.axes, self.values.shape)


# By name: "encoder", "decoder" and "cross" attention, "class_activation", "relevance", ...
Evidence = Mapping[str, EvidenceMap]


@contextmanager
def differentiating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode with gradients, even for a caller who wants none; `torch.autograd.grad` leaves no trace of it."""
    with evaluating(model), torch.inference_mode(False), torch.enable_grad():
        yield


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode, in which no statistics move, and each module's own mode afterwards."""
    training = [module for module in model.modules() if module.training]
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True
