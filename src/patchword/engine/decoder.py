"""Packed decoder layers that go one position at a time, all hypotheses of all sentences together."""

import math
from ctypes import byref
from typing import Any, cast

import torch
from torch import Tensor, nn

from patchword.engine import native, threads
from patchword.engine.attention import attend
from patchword.engine.layers import (
    PackedFeedForward,
    Residual,
    attention_products,
    empty,
    packed_norm,
    scaled,
    scaled_query,
    stack_shape,
)
from patchword.engine.memory import LARGE_PAGES
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
        target, first = state.target[index], state.length * beam
        target[:, :, :, first : first + beam] = projected[:, :, 1:].permute(2, 0, 3, 1, 4)
        attended = attend(projected[:, :, 0], target[0], target[1], state.length + 1, past=state.past)
        x = self.self_attention_residual.after(x, self.output(attended))

        query = self.cross_query(self.cross_attention_residual.before(x)).view(slots, beam, heads, -1)
        source = state.source[index]
        attended = attend(query, source[0], source[1], source.size(3), state.counts)
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
        self._native = _native_decoder([cast(PackedDecoderLayer, layer) for layer in self.layers])

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
        result = LARGE_PAGES.empty(math.prod(shape)).view(shape)
        for layer, out in zip(layers, result, strict=True):
            layer.project_memory(memory, places, out)
        return result

    def forward(self, x: Tensor, state: TranslationState) -> Tensor:
        """The next position's embeddings, (slots * beam, d_model), to hidden states of the same shape."""
        state.reserve(x.size(0) // state.slots)
        if self._native is None:
            for index, layer in enumerate(self.layers):
                x = layer(x, state, index)
        else:
            x = self._decode(x, state)
        state.length += 1
        result: Tensor = self.norm(x)
        return result

    def _decode(self, x: Tensor, state: TranslationState) -> Tensor:
        """All layers in one call: other threads, which decode batches of their own, wait for Python once a step."""
        kernels, own = native.best(), self._native
        assert kernels is not None
        assert own is not None
        x = x.clone(memory_format=torch.contiguous_format)
        if state.arguments is None:
            state.arguments = _arguments(own, state)
        state.arguments.x = native.address(x, shape=(state.slots * state.beam, own.heads * own.head_size))
        state.arguments.length = state.length
        kernels.decode(byref(own), byref(state.arguments), threads.count())
        return x


def _arguments(own: Any, state: TranslationState) -> Any:
    """Where the kernel finds a state's tensors, which are checked here, once for many steps."""
    slots, beam, past = state.slots, state.beam, state.past
    room, source_length = state.target.size(4), state.source.size(4)
    stored = (own.count, 2, slots, own.heads)
    if (past is None) != (beam == 1) or (past is not None and past.shape != (slots * beam, room // beam)):
        raise ValueError(f"a past that is not of {slots * beam} hypotheses")
    if state.counts.numel() and not 0 <= int(state.counts.min()) <= int(state.counts.max()) <= source_length:
        raise ValueError(f"sentences of up to {int(state.counts.max())} tokens in a source of {source_length}")
    return native.Step(
        target=native.address(state.target, shape=(*stored, room, own.head_size)),
        source=native.address(state.source, shape=(*stored, source_length, own.head_size)),
        counts=native.address(state.counts, torch.long, (slots,)),
        past=None if past is None else native.address(past, torch.long),
        slots=slots,
        beam=beam,
        room=room,
        source_length=source_length,
        past_stride=0 if past is None else past.stride(0),
    )


def _native_decoder(layers: list[PackedDecoderLayer]) -> Any | None:
    """The layers' weights for the kernel, or None where it does not compute them."""
    if native.best() is None or not layers or any(layer.feed_forward.gated for layer in layers):
        return None
    shapes = {
        stack_shape(
            layer.heads,
            [
                (layer.self_attention_residual, (layer.query_key_value, layer.output)),
                (layer.cross_attention_residual, (layer.cross_query, layer.cross_output)),
            ],
            (layer.feed_forward_residual, layer.feed_forward),
        )
        for layer in layers
    }
    if len(shapes) != 1 or None in shapes:
        return None
    rows = (native.DecoderLayer * len(layers))()
    for row, layer in zip(rows, layers, strict=True):
        row.query_key_value, row.output = layer.query_key_value.arguments, layer.output.arguments
        row.cross_query, row.cross_output = layer.cross_query.arguments, layer.cross_output.arguments
        row.inner, row.outer = layer.feed_forward.inner.arguments, layer.feed_forward.outer.arguments
        row.self_norm = layer.self_attention_residual.norm.arguments
        row.cross_norm = layer.cross_attention_residual.norm.arguments
        row.feed_forward_norm = layer.feed_forward_residual.norm.arguments
    one = layers[0]
    head_size = one.output.in_features // one.heads
    return native.Decoder(rows, len(layers), one.heads, head_size, one.self_attention_residual.norm_first)
