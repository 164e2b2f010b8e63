"""Networks from which residual connections or layer norms are taken away, to see what they are worth."""

import copy
from collections.abc import Callable
from typing import Literal, TypeVar

from torch import Tensor, nn

from patchword.models.contracts import Model
from patchword.nn.residual import ResidualNorm
from patchword.nn.trace import AttentionTrace

M = TypeVar("M", bound=Model)


class Branch(nn.Module):
    """What is left of a `ResidualNorm` when nothing is added to its sublayer's output.

    Sublayer(LayerNorm(x)) in Pre-LN, LayerNorm(Sublayer(x)) in Post-LN.

    Args:
        whole: that it stands in for; its norm, dropout, layer scale and drop path are kept.
    """

    def __init__(self, whole: ResidualNorm) -> None:
        super().__init__()
        self.branch_first = whole.norm_first
        # Another name than `ResidualNorm` has for it: weights saved without the sum cannot be loaded into a network
        # that adds.
        self.branch_norm: nn.Module = whole.norm
        self.dropout, self.layer_scale, self.drop_path = whole.dropout, whole.layer_scale, whole.drop_path

    def forward(self, x: Tensor, sublayer: Callable[[Tensor], Tensor], trace: AttentionTrace | None = None) -> Tensor:
        """(batch, length, d_model) in, the same shape out; the trace is told nothing of the sum that is not there."""
        if self.branch_first:
            return self._scaled(sublayer(self.branch_norm(x)))
        normed: Tensor = self.branch_norm(self._scaled(sublayer(x)))
        return normed

    def _scaled(self, y: Tensor) -> Tensor:
        scaled: Tensor = self.drop_path(self.layer_scale(self.dropout(y)))
        return scaled


def without(model: M, part: Literal["residual", "norm"]) -> M:
    """A copy of a network with one of the two taken away everywhere; its other weights are the network's own.

    "residual": no layer adds its input to what its sublayers give (`Branch`; He et al. 2016). "norm": every layer norm
    gives what it gets (Ba et al. 2016). One after the other takes away both.

    The copy is for training and measuring here, and is not what its config says: the engine has no packed form of it
    (`engine.choice.packed` gives None), a model folder of it cannot be loaded, and its `walk` is not told true.

    Args:
        model: left as it is.
        part: what is taken away.

    Raises:
        ValueError: if the network has none.
    """
    kind = {"residual": ResidualNorm, "norm": nn.LayerNorm}[part]
    ablated = copy.deepcopy(model)
    places = [
        (parent, name, child)
        for parent in ablated.modules()
        for name, child in parent.named_children()
        if isinstance(child, kind)
    ]
    if not places:
        raise ValueError(f"{type(model).__name__} has no {kind.__name__} to take away")
    for parent, name, child in places:
        setattr(parent, name, Branch(child) if isinstance(child, ResidualNorm) else nn.Identity())
    return ablated
