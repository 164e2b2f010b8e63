"""Packed encoder layers, for sentences and for images, one call after another.

Where the kernels know the network, `native_layers` has all of them in one call.
"""

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from patchword.engine.attention import attend
from patchword.engine.layers import PackedFeedForward, Residual, attention_products, empty, packed_norm
from patchword.engine.precision import Precision
from patchword.nn.encoder import Encoder, EncoderLayer

# Rows that pass all layers before the next ones: what is between two layers stays in the cache.
CACHED_ROWS = 256


class Group(NamedTuple):
    """Sequences of one length that lie one after another among the rows of a batch."""

    start: int
    sequences: int
    length: int


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
            parts = rows.view(sequences, length, 3, self.heads, rows.size(1) // (3 * self.heads))
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
