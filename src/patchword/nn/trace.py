"""A record of attention weights, filled by those attentions that it is passed to."""

from torch import Tensor


class AttentionTrace:
    """Keeps every attention map of one forward pass.

    Pass one to `Transformer.forward` or `VisionTransformer.forward`. Afterwards `maps` has, under each name
    ("encoder", "decoder", "cross"), one tensor a layer of shape (batch, heads, query, key) whose rows sum to 1.
    """

    def __init__(self) -> None:
        self.maps: dict[str, list[Tensor]] = {}

    def record(self, name: str, weights: Tensor) -> None:
        """Append the next layer's weights, (batch, heads, query, key), under `name`."""
        self.maps.setdefault(name, []).append(weights.detach())

    def __getitem__(self, name: str) -> list[Tensor]:
        return self.maps[name]
