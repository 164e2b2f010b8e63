"""Packed encoder layers, for sentences and for images."""

import ctypes
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from patchword.engine import native
from patchword.engine.attention import attend
from patchword.engine.products import Precision, Product, product
from patchword.nn.attention import MultiHeadAttention
from patchword.nn.encoder import Encoder, EncoderLayer
from patchword.nn.feed_forward import ACTIVATIONS, FeedForward
from patchword.nn.residual import LayerScale, ResidualNorm

# Rows that pass all layers before the next ones: what is between two layers stays in the cache.
CACHED_ROWS = 256


class Group(NamedTuple):
    """Sequences of one length that lie one after another among the rows of a batch."""

    start: int
    sequences: int
    length: int


class PackedAttentionWeights(NamedTuple):
    """An attention's products; the query is already divided by sqrt(head size)."""

    query_key_value: Product
    output: Product


class PackedNorm(nn.Module):
    """Layer norm.

    Args:
        norm: the original.
    """

    def __init__(self, norm: nn.LayerNorm) -> None:
        super().__init__()
        self._shape, self._eps = norm.normalized_shape, norm.eps
        self._weight, self._bias = norm.weight.detach().clone(), norm.bias.detach().clone()
        kernels = native.best()
        self._kernel = None if kernels is None else kernels.norm
        self.arguments = native.NormWeight(
            self._weight.data_ptr(), self._bias.data_ptr(), self._weight.numel(), self._eps
        )
        self._address = ctypes.addressof(self.arguments)

    def forward(self, x: Tensor, added: Tensor | None = None) -> Tensor:
        """The norm of x, or of x + added; (rows, d_model) all."""
        if self._kernel is None:
            return torch.layer_norm(x if added is None else x + added, self._shape, self._weight, self._bias, self._eps)
        x, y = x.contiguous(), torch.empty_like(x)
        address = None if added is None else added.data_ptr()
        rows = x.numel() // self._weight.numel()
        self._kernel(self._address, x.data_ptr(), address, None, y.data_ptr(), rows, torch.get_num_threads())
        return y

    def added(self, x: Tensor, y: Tensor) -> Tensor:
        """x + y, written over y; by the kernels' threads, which do not wait for torch's."""
        if self._kernel is None:
            return y.add_(x)
        rows = x.numel() // self._weight.numel()
        x, threads = x.contiguous(), torch.get_num_threads()
        self._kernel(self._address, y.data_ptr(), x.data_ptr(), y.data_ptr(), None, rows, threads)
        return y


class Residual(nn.Module):
    """`nn.residual.ResidualNorm` without what only training needs.

    Args:
        residual: the original; its layer scale is left to `scaled`.
    """

    def __init__(self, residual: ResidualNorm) -> None:
        super().__init__()
        self.norm_first = residual.norm_first
        self.norm = PackedNorm(residual.norm)

    def before(self, x: Tensor) -> Tensor:
        """What the sublayer reads."""
        return self.norm(x) if self.norm_first else x

    def after(self, x: Tensor, y: Tensor) -> Tensor:
        """What follows, from the sublayer's input x and its output y, which may be overwritten."""
        return self.norm.added(x, y) if self.norm_first else self.norm(x, y)


class PackedFeedForward(nn.Module):
    """`nn.feed_forward.FeedForward` with packed weights.

    Args:
        feed_forward: the original.
        residual: that it stands in, for its layer scale.
        precision: of the products.
    """

    def __init__(self, feed_forward: FeedForward, residual: ResidualNorm, precision: Precision) -> None:
        super().__init__()
        self.gated = feed_forward.gated
        activation = "none" if self.gated else _name_of(feed_forward.activation)
        self.inner = product(feed_forward.inner.weight, feed_forward.inner.bias, precision, activation)
        self.outer = product(*scaled(feed_forward.outer, residual), precision)

    def forward(self, x: Tensor) -> Tensor:
        """(rows, d_model) to the same shape."""
        hidden = self.inner(x)
        if self.gated:
            gate, hidden = hidden.chunk(2, dim=-1)
            hidden = F.silu(gate) * hidden
        result: Tensor = self.outer(hidden)
        return result


class PackedEncoderLayer(nn.Module):
    """`nn.encoder.EncoderLayer` with packed weights, on rows without padding.

    Args:
        layer: the original.
        precision: of the products.
    """

    def __init__(self, layer: EncoderLayer, precision: Precision) -> None:
        super().__init__()
        attention = layer.self_attention
        self.heads = attention.num_heads
        self.query_key_value, self.output = attention_products(attention, layer.self_attention_residual, precision)
        self.attention_residual = Residual(layer.self_attention_residual)
        self.feed_forward = PackedFeedForward(layer.feed_forward, layer.feed_forward_residual, precision)
        self.feed_forward_residual = Residual(layer.feed_forward_residual)

    def forward(self, x: Tensor, groups: Sequence[Group]) -> Tensor:
        """(rows, d_model) to the same shape; a sequence attends to its own rows."""
        attended = self._attend(self.query_key_value(self.attention_residual.before(x)), groups)
        x = self.attention_residual.after(x, self.output(attended))
        return self.feed_forward_residual.after(x, self.feed_forward(self.feed_forward_residual.before(x)))

    def _attend(self, projected: Tensor, groups: Sequence[Group]) -> Tensor:
        pieces = []
        for start, sequences, length in groups:
            rows = projected[start : start + sequences * length]
            parts = rows.view(sequences, length, 3, self.heads, -1)
            query, key, value = parts.unbind(2)
            pieces.append(attend(query, key.transpose(1, 2), value.transpose(1, 2), length))
        return pieces[0] if len(pieces) == 1 else torch.cat(pieces)


class PackedEncoder(nn.Module):
    """`nn.encoder.Encoder` with packed weights.

    Args:
        encoder: the original.
        precision: of the products.
        consume: empty each of its layers as soon as it is packed.
    """

    def __init__(self, encoder: Encoder, precision: Precision, consume: bool = False) -> None:
        super().__init__()
        self.norm = packed_norm(encoder.norm)
        self.layers = nn.ModuleList()
        for layer in encoder.layers:
            self.layers.append(PackedEncoderLayer(cast(EncoderLayer, layer), precision))
            if consume:
                empty(layer)

    def forward(self, x: Tensor, mask: None = None, trace: None = None) -> Tensor:
        """(batch, length, d_model) to the same shape: sequences of one length, as an image's patches are."""
        batch, length, d_model = x.shape
        step = max(1, CACHED_ROWS // length)
        pieces = [
            self.rows(part.reshape(-1, d_model), [Group(0, part.size(0), length)]).view(part.shape)
            for part in x.split(step)
        ]
        return pieces[0] if batch <= step else torch.cat(pieces)

    def rows(self, x: Tensor, groups: Sequence[Group]) -> Tensor:
        """(rows, d_model) to the same shape, for sequences of any lengths without padding."""
        for layer in self.layers:
            x = layer(x, groups)
        result: Tensor = self.norm(x)
        return result


def packed_norm(norm: nn.Module) -> nn.Module:
    """A stack's last norm; Post-LN stacks have none."""
    return PackedNorm(norm) if isinstance(norm, nn.LayerNorm) else norm


def attention_products(
    attention: MultiHeadAttention, residual: ResidualNorm, precision: Precision
) -> PackedAttentionWeights:
    """Query, key and value as one product, and the output, with both scales folded into the weights."""
    weight, bias = scaled_query(attention)
    return PackedAttentionWeights(
        product(weight, bias, precision), product(*scaled(attention.output, residual), precision)
    )


def scaled_query(attention: MultiHeadAttention) -> tuple[Tensor, Tensor | None]:
    """The projection's weight and bias with the query divided by sqrt(head size)."""
    factor = (attention.d_model / attention.num_heads) ** -0.5
    weight, bias = attention.query_key_value.weight.detach().clone(), attention.query_key_value.bias
    weight[: attention.d_model] *= factor
    if bias is not None:
        bias = bias.detach().clone()  # type: ignore[assignment]
        bias[: attention.d_model] *= factor
    return weight, bias


def scaled(linear: nn.Linear, residual: ResidualNorm) -> tuple[Tensor, Tensor | None]:
    """A sublayer's last weight and bias, times the layer scale that follows."""
    bias = None if linear.bias is None else linear.bias.detach()
    if not isinstance(residual.layer_scale, LayerScale):
        return linear.weight.detach(), bias
    factor = residual.layer_scale.factor.detach()
    return linear.weight.detach() * factor[:, None], None if bias is None else bias * factor


def _name_of(activation: Any) -> str:
    return next(name for name, function in ACTIVATIONS.items() if function is activation)


def empty(module: nn.Module) -> None:
    """Give the memory of a module's weights back."""
    for parameter in module.parameters():
        parameter.data = parameter.new_empty(0)
