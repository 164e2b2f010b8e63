"""Networks of the registry for both sides of a claim: made by name, counted, and matched in size."""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from patchword.models.contracts import ImageModel, Model, SequenceToSequence
from patchword.models.registry import ARCHITECTURES

TOLERANCE = 0.05  # of the number of parameters, within which two sides are equal
Fields = Mapping[str, Any]


def network(name: str, **fields: Any) -> Model:
    """A new network.

    Args:
        name: of an architecture, or its short name.
        fields: of its config, with what the data decide.

    Raises:
        RecipeError: naming the field that is wrong.
    """
    found = next(a for key, a in ARCHITECTURES.items() if name in (key, a.short))
    make = cast(Callable[[Any], Model], found.model)
    return make(found.config.parse(fields, name))


def without_numbers(make: Callable[[], nn.Module]) -> Any:
    """A network on the meta device: its shapes, and no memory."""
    with torch.device("meta"):
        return make()


def parameters(module: nn.Module, part: str | None = None) -> int:
    """How many trained numbers a network has, or a part of it that its contract names, such as "encoder"."""
    names = None if part is None else cast(Model, module).parts()[part]
    return sum(
        parameter.numel()
        for name, parameter in module.named_parameters()
        if names is None or any(name == each or name.startswith(f"{each}.") for each in names)
    )


def matched(make: Callable[[int], nn.Module], target: int, widths: Sequence[int], part: str | None = None) -> int:
    """The width at which a network has as many parameters as another.

    Args:
        make: a network from a width.
        target: parameters wanted.
        widths: to choose from, from narrow to wide.
        part: that is counted; see `parameters`.

    Raises:
        ValueError: if none comes within `TOLERANCE`.
    """
    counts: dict[int, int] = {}

    def count(width: int) -> int:
        counts[width] = parameters(without_numbers(partial(make, width)), part)
        return counts[width]

    # Wider is more: the first that has enough, or the one before it.
    place = bisect_left(widths, target, key=count)
    for near in widths[max(0, place - 1) : place + 1]:
        count(near)
    best = min(counts, key=lambda width: abs(counts[width] - target))
    if abs(counts[best] - target) > TOLERANCE * target:
        raise ValueError(f"no width has {target:,} parameters within 5 %; the nearest, {best}, has {counts[best]:,}")
    return best


class Reader(nn.Module):
    """An encoder alone, with a linear head on what it says of the last real token: nothing else can look back.

    Args:
        model: of which only `encode` is used.
        classes: of the answer.
        width: of the memory.
    """

    def __init__(self, model: SequenceToSequence, classes: int, width: int) -> None:
        super().__init__()
        self.model = model
        self.head = nn.Linear(width, classes)

    def forward(self, source: Tensor) -> Tensor:
        """Ids (batch, source), padded at the end, to logits (batch, classes)."""
        memory = self.model.encode(source)
        last = (source != self.model.config.pad_id).sum(1) - 1
        return cast(Tensor, self.head(memory[torch.arange(len(source)), last]))

    @classmethod
    def of(cls, model: SequenceToSequence, classes: int) -> "Reader":
        """With a head as wide as the memory, which is seen from an example."""
        with torch.no_grad():
            width = model.encode(torch.full((1, 2), model.config.bos_id)).size(-1)
        return cls(model, classes, width)


__all__ = ["ImageModel", "Reader", "SequenceToSequence", "matched", "network", "parameters", "without_numbers"]
