"""Packed decoder layers that go one position at a time, all hypotheses of all sentences together.

With kernels `native_layers` has all of them in one call.
"""

from typing import cast

import torch
from torch import Tensor, nn

from patchword.engine.attention import attend
from patchword.engine.layers import (
    PackedFeedForward,
    Residual,
    attention_products,
    empty,
    packed_norm,
    scaled,
    scaled_query,
)
from patchword.engine.memory import LARGE_PAGES
from patchword.engine.precision import Precision
from patchword.engine.products import product
from patchword.engine.state import TranslationState
from patchword.nn.decoder import Decoder, DecoderLayer


class PackedDecoderLayer(nn.Module):
    """`nn.decoder.DecoderLayer` with packed weights.

    Args:
        layer: the original.
        precision: of the products.
    """

    def __init__(self, layer: DecoderLayer, precision: Precision) -> None:
        super().__init__()
        self.heads = layer.self_attention.num_heads
        self.query_key_value, self.output = attention_products(
            layer.self_attention, layer.self_attention_residual, precision
        )
        self.self_attention_residual = Residual(layer.self_attention_residual)
        weight, bias = scaled_query(layer.cross_attention)
        d_model = layer.cross_attention.d_model
        query_bias, memory_bias = (None, None) if bias is None else (bias[:d_model], bias[d_model:])
        self.cross_query = product(weight[:d_model], query_bias, precision)
        self.cross_key_value = product(weight[d_model:], memory_bias, precision)
        self.cross_output = product(*scaled(layer.cross_attention.output, layer.cross_attention_residual), precision)
        self.cross_attention_residual = Residual(layer.cross_attention_residual)
        self.feed_forward = PackedFeedForward(layer.feed_forward, layer.feed_forward_residual, precision)
        self.feed_forward_residual = Residual(layer.feed_forward_residual)

    def project_memory(self, memory: Tensor, places: Tensor, out: Tensor) -> None:
        """The source's keys and values.

        Args:
            memory: the encoder's output, without padding, (tokens, d_model).
            places: the memory's row at every place of the padded result, (slots * source,).
            out: where they go, (2, slots, heads, source, head_size).
        """
        rows = self.cross_key_value(memory).index_select(0, places)
        out.copy_(rows.view(out.size(1), -1, 2, self.heads, out.size(4)).permute(2, 0, 3, 1, 4))

    def forward(self, x: Tensor, state: TranslationState, index: int) -> Tensor:
        """The next position, (slots * beam, d_model), to the same shape; the state receives its keys and values."""
        slots, beam, heads = state.slots, state.beam, self.heads
        projected = self.query_key_value(self.self_attention_residual.before(x)).view(slots, beam, 3, heads, -1)
        target, first = torch.from_numpy(state.target[index]), state.length * beam
        target[:, :, :, first : first + beam] = projected[:, :, 1:].permute(2, 0, 3, 1, 4)
        past = None if state.past is None else torch.from_numpy(state.past)
        attended = attend(projected[:, :, 0], target[0], target[1], state.length + 1, past=past)
        x = self.self_attention_residual.after(x, self.output(attended))

        query = self.cross_query(self.cross_attention_residual.before(x)).view(slots, beam, heads, -1)
        source, counts = torch.from_numpy(state.source[index]), torch.from_numpy(state.counts)
        attended = attend(query, source[0], source[1], source.size(3), counts)
        x = self.cross_attention_residual.after(x, self.cross_output(attended))
        return self.feed_forward_residual.after(x, self.feed_forward(self.feed_forward_residual.before(x)))


class PackedDecoder(nn.Module):
    """`nn.decoder.Decoder` with packed weights.

    Args:
        decoder: the original.
        precision: of the products.
        consume: empty each of its layers as soon as it is packed.
    """

    def __init__(self, decoder: Decoder, precision: Precision, consume: bool = False) -> None:
        super().__init__()
        self.norm = packed_norm(decoder.norm)
        self.layers = nn.ModuleList()
        for layer in decoder.layers:
            self.layers.append(PackedDecoderLayer(cast(DecoderLayer, layer), precision))
            if consume:
                empty(layer)

    def project_memory(self, memory: Tensor, places: Tensor, slots: int) -> Tensor:
        """Every layer's keys and values of the source, (layers, 2, slots, heads, source, head_size).

        Args:
            memory: the encoder's output, without padding, (tokens, d_model).
            places: the memory's row at every place of the padded result, (slots * source,).
            slots: number of sentences.
        """
        layers = [cast(PackedDecoderLayer, layer) for layer in self.layers]
        heads, d_model = layers[0].heads, memory.size(1)
        shape = (len(layers), 2, slots, heads, places.numel() // slots, d_model // heads)
        result = torch.from_numpy(LARGE_PAGES.empty(shape))
        for layer, out in zip(layers, result, strict=True):
            layer.project_memory(memory, places, out)
        return result

    def forward(self, x: Tensor, state: TranslationState) -> Tensor:
        """The next position's embeddings, (slots * beam, d_model), to hidden states of the same shape."""
        state.reserve(x.size(0) // state.slots)
        for index, layer in enumerate(self.layers):
            x = layer(x, state, index)
        state.length += 1
        result: Tensor = self.norm(x)
        return result
