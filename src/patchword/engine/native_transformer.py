"""The Transformer by the kernels, on numpy's arrays: nothing of it needs torch."""

import ctypes
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy
from numpy import float32, int64
from numpy.typing import NDArray

from patchword.engine import native, threads
from patchword.engine.native_layers import NativeDecoder, NativeEncoder, Weights
from patchword.engine.native_vocabulary import Likeliest, NativeVocabulary
from patchword.engine.packed_weight import address_of, check
from patchword.engine.precision import Precision
from patchword.engine.state import TranslationState

Floats = NDArray[float32]
Ids = NDArray[int64]


class PackedMemory(NamedTuple):
    """The encoder's output without padding.

    Attributes:
        rows: (tokens, d_model), sentence after sentence, shortest first.
        starts: each sentence's first row, (batch,).
        lengths: each sentence's number of rows, (batch,).
    """

    rows: Floats
    starts: Ids
    lengths: Ids


class NativeTransformer:
    """`models.Transformer` for translation on the processor.

    Args:
        config: a `TransformerConfig`.
        weights: its arrays, which are given up as they are packed.
        precision: of the products; attention, norms and the search are in float32 in all; `NativeDecoder` says what
            keys and values are kept in.
    """

    def __init__(self, config: Any, weights: Weights, precision: Precision) -> None:
        self.config: Any = config
        self.precision = precision
        self._kernels: Any = native.best()
        self._vocabulary = NativeVocabulary(weights, config, precision)
        self._encoder = NativeEncoder(weights, config.encoder_layers, config, precision, config.norm_first)
        self._decoder = NativeDecoder(weights, config, precision)

    def encode(self, source: Ids) -> PackedMemory:
        """Source ids (batch, source), padded anywhere, to the memory.

        Sentences of one length are computed together and padding not at all, so nothing of a sentence's memory
        depends on its neighbours.
        """
        real = source != self.config.pad_id
        lengths = real.sum(1, dtype=int64)
        order = lengths.argsort(kind="stable")
        kept = real[order]
        positions = numpy.broadcast_to(numpy.arange(source.shape[1], dtype=int64), source.shape)[kept]
        x = self._vocabulary.source(numpy.ascontiguousarray(source[order][kept]), positions)
        ordered = lengths[order]
        ends = ordered.cumsum()
        starts = numpy.empty_like(lengths)
        starts[order] = ends - ordered
        distinct, first, counts = numpy.unique(ordered, return_index=True, return_counts=True)
        groups = [
            (int(ends[place] - length), int(count), int(length))
            for length, place, count in zip(distinct, first, counts, strict=True)
        ]
        return PackedMemory(self._encoder.run(x, groups), starts, lengths)

    def start(self, memory: PackedMemory) -> TranslationState:
        """The state before the first target token: cross-attention is projected here, once a sentence."""
        source = self._decoder.start(memory.rows, memory.starts, memory.lengths)
        return TranslationState(source, memory.lengths)

    def logits(self, tokens: Ids, state: TranslationState) -> Floats:
        """One step of generation: the newest token of each hypothesis, (rows,), to (rows, target_vocab_size)."""
        return self._vocabulary.output.logits(self._hidden(tokens, state))

    def likeliest(
        self, tokens: Ids, state: TranslationState, count: int, never: Sequence[int], renormalise: bool = True
    ) -> Likeliest:
        """One step of generation that gives only the `count` likeliest next tokens of every row."""
        return self._vocabulary.output.likeliest(self._hidden(tokens, state), count, never, renormalise)

    def likeliest_of(self, logits: Floats, count: int, never: Sequence[int], renormalise: bool = True) -> Likeliest:
        """The same of logits; see `NativeOutput.likeliest_of`."""
        return self._vocabulary.output.likeliest_of(logits, count, never, renormalise)

    def _hidden(self, tokens: Ids, state: TranslationState) -> Floats:
        """The next position's hidden states, (rows, d_model): all layers in one call, so that other threads, which
        decode batches of their own, wait for Python once a step.
        """
        beam, active = len(tokens) // state.sentences, state.active
        if active is not None:
            each = numpy.zeros((state.slots, beam), int64)
            each[active] = tokens.reshape(-1, beam)
            tokens = each.ravel()
        state.reserve(beam)
        x = self._vocabulary.target(numpy.ascontiguousarray(tokens), state.length)
        if state.arguments is None:
            state.arguments = self._arguments(state)
        state.arguments.x = address_of(x)
        state.arguments.length = state.length
        decoder = self._decoder
        self._kernels.decode(ctypes.byref(decoder.arguments), ctypes.byref(state.arguments), threads.count())
        state.length += 1
        if active is not None:
            x = x.reshape(state.slots, beam, -1)[active].reshape(len(active) * beam, -1)
        return x if decoder.norm is None else decoder.norm.norm(x)

    def _arguments(self, state: TranslationState) -> Any:
        """Where the kernel finds a state's arrays, for many steps."""
        past, config = state.past, self.config
        head_size = config.d_model // config.num_heads
        stored = (2, state.slots, config.num_heads)
        for layer in state.target:
            check(layer, self._decoder.remembers, (*stored, state.room, head_size))
        check(state.source, self._decoder.remembers, (len(state.target), *stored, state.source.shape[4], head_size))
        check(state.counts, int64, (state.slots,))
        if past is not None:
            check(past, int64, (state.slots * state.beam, state.room // state.beam))
        state.places = numpy.array([address_of(layer) for layer in state.target], int64)
        return native.Step(
            targets=address_of(state.places),
            source=address_of(state.source),
            counts=address_of(state.counts),
            past=None if past is None else address_of(past),
            slots=state.slots,
            beam=state.beam,
            room=state.room,
            source_length=state.source.shape[4],
            past_stride=0 if past is None else past.shape[1],
        )
