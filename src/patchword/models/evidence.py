"""What models offer to be looked at, and how they are kept still meanwhile."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class EvidenceMap:
    """One kind of what a model looked at.

    Attributes:
        axes: what each dimension of `values` counts, such as ("layer", "batch", "head", "query", "key").
        values: not negative.
        grid: rows and columns of the image patches that the last rows * columns places of the last axis are, if any.
    """

    axes: tuple[str, ...]
    values: Tensor
    grid: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        assert len(self.axes) == self.values.dim(), (self.axes, self.values.shape)


# By name: "encoder", "decoder" and "cross" attention, "class_activation", ...
Evidence = Mapping[str, EvidenceMap]


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
