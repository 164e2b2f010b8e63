"""Records of one forward pass, filled by those modules that they are passed to."""

from dataclasses import dataclass

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

    def __getitem__(self, name: str) -> list[Tensor]:
        return self.maps[name]


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


class WalkTrace(AttentionTrace):
    """Keeps every step that modules note, in the order of the computation, besides the attention maps."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[Step] = []

    def note(self, name: str, axes: tuple[str, ...], values: Tensor) -> None:
        """Append a step; see `Step`."""
        self.steps.append(Step(name, axes, values.detach()))
