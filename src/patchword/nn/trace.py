"""Records of one forward pass, filled by those modules that they are passed to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


class AttentionTrace:
    """Keeps every attention map of one forward pass.

    Pass one to `Transformer.forward` or `VisionTransformer.forward`. Afterwards `maps` has, under each name
    ("encoder", "decoder", "cross"), one tensor a layer of shape (batch, heads, query, key) whose rows sum to 1.

    Args:
        with_graph: keep the maps within the graph of gradients, for methods that differentiate by them, and `inputs`,
            what came into each layer of an encoder, (batch, length, d_model).
    """

    def __init__(self, with_graph: bool = False) -> None:
        self.with_graph = with_graph
        self.maps: dict[str, list[Tensor]] = {}
        self.inputs: list[Tensor] = []

    def record(self, name: str, weights: Tensor) -> None:
        """Append the next layer's weights, (batch, heads, query, key), under `name`."""
        self.maps.setdefault(name, []).append(weights if self.with_graph else weights.detach())

    def enter(self, x: Tensor) -> None:
        """The input of the next layer of an encoder."""
        if self.with_graph:
            self.inputs.append(x)

    def note(self, name: str, axes: tuple[str, ...], values: Tensor) -> None:
        """A step of the computation between the maps, which this record does not keep."""

    def within(
        self, name: str, axes: Mapping[str, str] | None = None, change: Callable[[Tensor], Tensor] | None = None
    ) -> "AttentionTrace":
        """The same record for a part of the network, whose steps are noted under the part's name.

        Args:
            name: what stands before the dot.
            axes: what this part's axes count for whoever it belongs to, such as {"key": "source"}.
            change: of the part's values, such as the order of positions.
        """
        return self

    def __getitem__(self, name: str) -> list[Tensor]:
        return self.maps[name]


def inside(trace: AttentionTrace | None, name: str, axes: Mapping[str, str] | None = None) -> AttentionTrace | None:
    """`AttentionTrace.within` where there is a trace."""
    return None if trace is None else trace.within(name, axes)


@dataclass(frozen=True)
class Step:
    """A step of the computation, under the papers' name for it.

    Attributes:
        name: dotted, from the outside in, such as "encoder.0.self_attention.scores".
        axes: what each dimension of `values` counts, such as ("batch", "head", "query", "key").
        values: what it computed.
    """

    name: str
    axes: tuple[str, ...]
    values: Tensor


class _Noting(AttentionTrace):
    """A record of steps; attention's weights are steps too, so no map is kept a second time."""

    def record(self, name: str, weights: Tensor) -> None:
        """See `AttentionTrace.record`: nothing, since the weights are noted."""

    def enter(self, x: Tensor) -> None:
        """See `AttentionTrace.enter`: nothing, since the layer before has noted it."""

    def within(
        self, name: str, axes: Mapping[str, str] | None = None, change: Callable[[Tensor], Tensor] | None = None
    ) -> AttentionTrace:
        """See `AttentionTrace.within`."""
        return _Within(self, name, axes or {}, change)


class WalkTrace(_Noting):
    """Keeps every step that modules note, in the order of the computation.

    Args:
        reduced: what to keep of a step, called when it is noted, so that large values need not outlive it.

    Attributes:
        steps: what `reduced` gave; whole `Step`s without it.
    """

    def __init__(self, reduced: Callable[[Step], Any] = lambda step: step) -> None:
        super().__init__()
        self.steps: list[Any] = []
        self._reduced = reduced

    def note(self, name: str, axes: tuple[str, ...], values: Tensor) -> None:
        """Append a step; see `Step`."""
        assert len(axes) == values.dim(), (name, axes, values.shape)
        self.steps.append(self._reduced(Step(name, axes, values.detach())))


class OverTime(_Noting):
    """Gathers what each position of a recurrence notes, and hands it on as steps that have all positions.

    Args:
        trace: where to.
        axis: that counts positions. It is the second one; values that already have it are joined along it.
    """

    def __init__(self, trace: AttentionTrace, axis: str = "position") -> None:
        super().__init__()
        self._trace = trace
        self._axis = axis
        self._gathered: dict[str, tuple[tuple[str, ...], list[Tensor]]] = {}

    def note(self, name: str, axes: tuple[str, ...], values: Tensor) -> None:
        """One position's part of a step."""
        self._gathered.setdefault(name, (axes, []))[1].append(values.detach())

    def hand_on(self) -> None:
        """Note the steps, in the order in which the first position noted them."""
        for name, (axes, values) in self._gathered.items():
            if self._axis in axes:
                self._trace.note(name, axes, torch.cat(values, axes.index(self._axis)))
            else:
                self._trace.note(name, (axes[0], self._axis, *axes[1:]), torch.stack(values, 1))


class _Within(_Noting):
    def __init__(
        self, trace: AttentionTrace, name: str, axes: Mapping[str, str], change: Callable[[Tensor], Tensor] | None
    ) -> None:
        super().__init__()
        self._trace, self._name, self._axes, self._change = trace, name, axes, change

    def note(self, name: str, axes: tuple[str, ...], values: Tensor) -> None:
        names = tuple(self._axes.get(axis, axis) for axis in axes)
        self._trace.note(f"{self._name}.{name}", names, values if self._change is None else self._change(values))
