"""Tables of names: which tensors of a foreign checkpoint make each tensor of ours, and back."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Row:
    """One or more tensors of theirs that make one of ours.

    Attributes:
        theirs: their names. "{i}" stands for a layer's number and "*" for "weight" or "bias", as in our name.
        to_ours: makes our tensor from theirs, given the shape that ours must have.
        to_theirs: the reverse, for formats that we also write.
        stacks: whether ours are theirs one after another in memory, so that a file can be written without joining them.
    """

    theirs: tuple[str, ...]
    to_ours: Callable[[Sequence[Tensor], torch.Size], Tensor]
    to_theirs: Callable[[Tensor], Sequence[Tensor]] | None = None
    stacks: bool = False


Table = Mapping[str, Row]


def same(theirs: str) -> Row:
    """Equal, of whatever shape."""
    return Row((theirs,), lambda t, _: t[0], lambda ours: [ours])


def stacked(*theirs: str) -> Row:
    """Several matrices or biases of equal size on top of each other: query, key and value as one."""
    return Row(theirs, lambda t, _: _stacked(t), lambda ours: list(ours.chunk(len(theirs))), stacks=True)


def token(theirs: str) -> Row:
    """A vector (d_model,), which they keep as (1, 1, d_model)."""
    return Row((theirs,), lambda t, _: _without_ones(t[0], 2), lambda ours: [ours[None, None]])


def batch_of_one(theirs: str) -> Row:
    """Theirs has a first axis of length 1, which ours lacks."""
    return Row((theirs,), lambda t, _: _without_ones(t[0], 1), lambda ours: [ours[None]])


def patches(theirs: str, channels: int = 3) -> Row:
    """The weight of a convolution over patches (d_model, channels, patch, patch), which is ours, flattened."""

    def unflattened(ours: Tensor) -> list[Tensor]:
        side = round((ours.size(1) // channels) ** 0.5)
        return [ours.view(ours.size(0), channels, side, side)]

    return Row((theirs,), lambda t, _: t[0].flatten(1), unflattened)


def transposed(theirs: str) -> Row:
    """A kernel (in, out), as JAX keeps a linear layer's weight."""
    return Row((theirs,), lambda t, _: t[0].t())


def zeros() -> Row:
    """They have none, which is the same as zeros: biases of layers that were made without."""
    return Row((), lambda _, shape: torch.zeros(shape))


def lookup(table: Table, ours: str) -> tuple[tuple[str, ...], Row] | None:
    """The row of one of our names, with the names of theirs filled in; None if the table has none."""
    for pattern, row in table.items():
        match = _compiled(pattern).fullmatch(ours)
        if match:
            layer, kind = match.groupdict().get("i", ""), match.groupdict().get("kind", "")
            return tuple(name.replace("{i}", layer or "").replace("*", kind or "") for name in row.theirs), row
    return None


def converted_back(table: Table, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Our tensors under their names and in their shapes.

    Args:
        table: all of whose rows have `to_theirs`.
        tensors: ours by name.

    Raises:
        KeyError: if the table has no row for a tensor.
    """
    result: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        found = lookup(table, name)
        if found is None or found[1].to_theirs is None:
            raise KeyError(name)
        result.update(zip(found[0], found[1].to_theirs(tensor), strict=True))
    return {name: tensor.contiguous() for name, tensor in result.items()}


def _stacked(tensors: Sequence[Tensor]) -> Tensor:
    if len({(tensor.shape, tensor.dtype) for tensor in tensors}) != 1:
        raise ValueError("their shapes or types differ")
    return torch.cat(list(tensors))


def _compiled(pattern: str) -> re.Pattern[str]:
    escaped = re.escape(pattern).replace(r"\{i\}", r"(?P<i>\d+)").replace(r"\*", r"(?P<kind>weight|bias)")
    return re.compile(escaped)  # re keeps its own cache of these


def _without_ones(tensor: Tensor, count: int) -> Tensor:
    if tuple(tensor.shape[:count]) != (1,) * count:
        raise ValueError(f"its first {count} axes should have length 1")
    return tensor[(0,) * count]
