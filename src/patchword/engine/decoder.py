"""Packed decoder layers that go one position at a time, all hypotheses of all sentences together."""

import copy
from typing import cast

import torch
from torch import Tensor, nn

from patchword.engine.layers import PackedFeedForward, Residual, attention_products, empty, scaled, scaled_query
from patchword.engine.products import Precision, product
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

    def project_memory(self, memory: Tensor, places: Tensor, sentences: int) -> Tensor:
        """The source's keys and values, (2, sentences, heads, source, head_size).

        Args:
            memory: the encoder's output, without padding, (tokens, d_model).
            places: the memory's row at every place of the padded result, (sentences * source,).
            sentences: number of sentences.
        """
        rows = self.cross_key_value(memory).index_select(0, places)
        head_size = rows.size(1) // (2 * self.heads)
        return rows.view(sentences, -1, 2, self.heads, head_size).permute(2, 0, 3, 1, 4).contiguous()

    def forward(self, x: Tensor, state: TranslationState, index: int) -> Tensor:
        """The next position, (slots * beam, d_model), to the same shape; the state receives its keys and values."""
        slots, beam, heads = state.slots, state.beam, self.heads
        projected = self.query_key_value(self.self_attention_residual.before(x)).view(slots, beam, 3, heads, -1)
        used = (state.length + 1) * beam
        target = state.target[index]
        target[:, :, :, used - beam : used] = projected[:, :, 1:].permute(2, 0, 3, 1, 4)
        attended = _attend(projected[:, :, 0], target[:, :, :, :used], _until(state.target_mask, used))
        x = self.self_attention_residual.after(x, self.output(attended))

        query = self.cross_query(self.cross_attention_residual.before(x)).view(slots, beam, heads, -1)
        attended = _attend(query, state.source[index], state.source_mask)
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
        self.norm = copy.deepcopy(decoder.norm)
        self.layers = nn.ModuleList()
        for layer in decoder.layers:
            self.layers.append(PackedDecoderLayer(cast(DecoderLayer, layer), precision))
            if consume:
                empty(layer)

    def forward(self, x: Tensor, state: TranslationState) -> Tensor:
        """The next position's embeddings, (slots * beam, d_model), to hidden states of the same shape."""
        state.reserve(x.size(0) // state.slots)
        for index, layer in enumerate(self.layers):
            x = layer(x, state, index)
        state.length += 1
        result: Tensor = self.norm(x)
        return result


def _attend(query: Tensor, key_value: Tensor, mask: Tensor | None) -> Tensor:
    """Queries (slots, beam, heads, head_size) to what they attend to, (slots * beam, d_model).

    Small batched products are several times as fast as `F.scaled_dot_product_attention` for so few queries.
    """
    slots, beam, heads, head_size = query.shape
    key, value = key_value.flatten(1, 2).unbind(0)
    query = query.transpose(1, 2).reshape(slots * heads, beam, head_size)
    scores = torch.bmm(query, key.transpose(1, 2))
    if mask is not None:
        scores.view(slots, heads, beam, -1).add_(mask)
    attended = torch.bmm(scores.softmax(-1), value)
    return attended.view(slots, heads, beam, head_size).transpose(1, 2).reshape(slots * beam, heads * head_size)


def _until(mask: Tensor | None, end: int) -> Tensor | None:
    return None if mask is None else mask[..., :end]
