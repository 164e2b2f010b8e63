"""Residual connection and layer normalisation around a sublayer, in both orders."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from patchword.nn.dropout import Dropout, DropPath
from patchword.nn.trace import AttentionTrace

_VECTORS = ("batch", "position", "channel")


class LayerScale(nn.Module):
    """A learned factor for each channel of a residual branch (Touvron et al. 2021, CaiT; DINOv2 checkpoints).

    Args:
        d_model: number of channels.
        initial: the value that the factors start from.
    """

    def __init__(self, d_model: int, initial: float) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.full((d_model,), initial))

    def forward(self, x: Tensor) -> Tensor:
        """(..., d_model) in, the same shape out."""
        return x * self.factor


class ResidualNorm(nn.Module):
    """Residual + layer norm around a sublayer.

    Post-LN, as in Vaswani et al. 2017, section 3.1: LayerNorm(x + Sublayer(x)).
    Pre-LN, as in ViT (equations 2 and 3): x + Sublayer(LayerNorm(x)). In both, the residual adds the sublayer's own
    input x, taken before any norm.

    Args:
        d_model: width.
        dropout: on the sublayer's output, before it is added (section 5.4).
        norm_first: Pre-LN if True, Post-LN if False.
        layer_norm_eps: added to the variance.
        layer_scale: initial value of `LayerScale`, or None for no such factor.
        drop_path: probability of dropping the branch for a sample.
    """

    def __init__(
        self,
        d_model: int,
        dropout: float,
        *,
        norm_first: bool,
        layer_norm_eps: float = 1e-5,
        layer_scale: float | None = None,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        self.norm_first = norm_first
        self.norm = nn.LayerNorm(d_model, eps=layer_norm_eps)
        self.dropout = Dropout(dropout)
        self.layer_scale = nn.Identity() if layer_scale is None else LayerScale(d_model, layer_scale)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor, sublayer: Callable[[Tensor], Tensor], trace: AttentionTrace | None = None) -> Tensor:
        """(batch, length, d_model) in, the same shape out; the trace is told the norm and the sum."""
        if trace is not None:
            return self._told(x, sublayer, trace)
        if self.norm_first:
            return x + self._branch(sublayer(self.norm(x)))
        return self.norm(x + self._branch(sublayer(x)))

    def _told(self, x: Tensor, sublayer: Callable[[Tensor], Tensor], trace: AttentionTrace) -> Tensor:
        y = x
        if self.norm_first:
            y = self.norm(x)
            trace.note("norm_before", _VECTORS, y)
        branch = self._branch(sublayer(y))
        if not isinstance(self.layer_scale, nn.Identity):
            trace.note("layer_scale", _VECTORS, branch)
        y = x + branch
        trace.note("sum_of_norm_before" if self.norm_first else "sum", _VECTORS, y)
        if not self.norm_first:
            y = self.norm(y)
            trace.note("norm", _VECTORS, y)
        return y

    def _branch(self, y: Tensor) -> Tensor:
        return self.drop_path(self.layer_scale(self.dropout(y)))
