"""The encoder: a stack of identical layers (Vaswani et al. 2017, section 3.1), shared by both systems."""

from dataclasses import dataclass

from torch import Tensor, nn

from patchword.nn.attention import MultiHeadAttention
from patchword.nn.feed_forward import FeedForward
from patchword.nn.residual import ResidualNorm
from patchword.nn.trace import AttentionTrace, inside


@dataclass(frozen=True)
class LayerOptions:
    """What the layers of a stack have in common.

    `norm_first=False` with "relu" is the Transformer of 2017; `norm_first=True` with "gelu" is ViT.
    `layer_scale` and a `layer_norm_eps` other than 1e-5 are what published checkpoints need.
    """

    d_model: int
    num_heads: int
    d_ff: int
    dropout: float = 0.0
    attention_dropout: float = 0.0
    activation_dropout: float = 0.0
    activation: str = "relu"
    norm_first: bool = False
    layer_norm_eps: float = 1e-5
    bias: bool = True
    layer_scale: float | None = None

    def attention(self) -> MultiHeadAttention:
        """A new attention."""
        return MultiHeadAttention(self.d_model, self.num_heads, self.attention_dropout, self.bias)

    def feed_forward(self) -> FeedForward:
        """A new feed-forward network."""
        return FeedForward(self.d_model, self.d_ff, self.activation, self.activation_dropout, self.bias)

    def residual(self, drop_path: float = 0.0) -> ResidualNorm:
        """A new residual connection with its norm."""
        return ResidualNorm(
            self.d_model,
            self.dropout,
            norm_first=self.norm_first,
            layer_norm_eps=self.layer_norm_eps,
            layer_scale=self.layer_scale,
            drop_path=drop_path,
        )


class EncoderLayer(nn.Module):
    """Self-attention, then feed-forward, each within a residual connection and a norm.

    Args:
        options: sizes and choices.
        drop_path: stochastic depth of this layer.
    """

    def __init__(self, options: LayerOptions, drop_path: float = 0.0) -> None:
        super().__init__()
        self.self_attention = options.attention()
        self.self_attention_residual = options.residual(drop_path)
        self.feed_forward = options.feed_forward()
        self.feed_forward_residual = options.residual(drop_path)

    def forward(self, x: Tensor, mask: Tensor | None = None, trace: AttentionTrace | None = None) -> Tensor:
        """(batch, length, d_model) in, the same shape out; see `MultiHeadAttention.forward` for the mask."""
        told = inside(trace, "self_attention", {"query": "position", "key": "position"})
        x = self.self_attention_residual(
            x, lambda y: self.self_attention(y, mask=mask, trace=told, name="encoder"), told
        )
        told_next = inside(trace, "feed_forward")
        return self.feed_forward_residual(x, lambda y: self.feed_forward(y, told_next), told_next)


class Encoder(nn.Module):
    """`num_layers` encoder layers; in Pre-LN a last norm, because there the sum itself was never normalised.

    Args:
        num_layers: depth.
        options: sizes and choices of every layer.
        drop_path: stochastic depth of the last layer; it grows linearly from 0 in the first.
        last_norm: False leaves out Pre-LN's last norm, for a network that norms later.
    """

    def __init__(self, num_layers: int, options: LayerOptions, drop_path: float = 0.0, last_norm: bool = True) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            EncoderLayer(options, drop_path * index / max(1, num_layers - 1)) for index in range(num_layers)
        )
        self.norm = (
            nn.LayerNorm(options.d_model, eps=options.layer_norm_eps)
            if options.norm_first and last_norm
            else nn.Identity()
        )

    def forward(self, x: Tensor, mask: Tensor | None = None, trace: AttentionTrace | None = None) -> Tensor:
        """(batch, length, d_model) in, the memory of the same shape out; layers are told by their number."""
        for index, layer in enumerate(self.layers):
            if trace is not None:
                trace.enter(x)
            x = layer(x, mask, inside(trace, str(index)))
        x = self.norm(x)
        if trace is not None and not isinstance(self.norm, nn.Identity):
            trace.note("norm", ("batch", "position", "channel"), x)
        return x
