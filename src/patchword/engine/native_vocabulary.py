"""A vocabulary's weights for the kernels: both embeddings with their positions, and the output projection."""

import ctypes
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy
from numpy import float32, float64, int64
from numpy.typing import NDArray

from patchword.engine import native, threads
from patchword.engine.native_layers import Weights
from patchword.engine.packed_weight import PackedWeight, address_of, check
from patchword.engine.precision import Precision

FEW = 64  # tokens of a row that are found while its logits are computed

Floats = NDArray[float32]
Ids = NDArray[int64]


class Positions:
    """What is added to a side's embeddings; see `nn.positions`.

    Args:
        kind: "sinusoidal", "sinusoidal_halves", "learned" or "none".
        width: of the embeddings.
        learned: (positions, width), for "learned" alone; it is copied.
    """

    def __init__(self, kind: str, width: int, learned: Floats | None) -> None:
        self._kind, self._width = kind, width
        self._table = numpy.empty((0, width), float32) if learned is None else learned.copy()

    def add(self, x: Floats, positions: Ids | int) -> None:
        """Add each row's vector to x, (rows, width).

        Raises:
            ValueError: if there are no learned vectors for so many.
        """
        if self._kind == "none" or not len(x):
            return
        end, table = int(numpy.max(positions)) + 1, self._table  # another thread may put a shorter one in its place
        if end > len(table):
            if self._kind == "learned":
                raise ValueError(f"{end} positions asked for, but only {len(table)} were learned")
            self._table = table = sinusoids(max(512, 2 * end), self._width, self._kind == "sinusoidal_halves")
        x += table[positions]


def sinusoids(length: int, width: int, halves: bool) -> Floats:
    """`nn.positions.sinusoidal_table` in numpy, (length, width)."""
    steps = numpy.exp(numpy.arange(0, width, 2, dtype=float64) * (-math.log(10000.0) / width))
    angle = numpy.arange(length, dtype=float64)[:, None] * steps
    parts = numpy.sin(angle), numpy.cos(angle)
    if halves:
        return numpy.concatenate(parts, 1).astype(float32)
    return numpy.stack(parts, 2).reshape(length, width).astype(float32)


class Likeliest(NamedTuple):
    """The likeliest next tokens of every row, likeliest first, both (rows, count)."""

    log_probability: Floats
    token: Ids


class NativeOutput:
    """`nn.embeddings.OutputProjection` by the kernels.

    Args:
        weight: (vocab_size, d_model), packed with its bias.
    """

    def __init__(self, weight: PackedWeight) -> None:
        self.weight = weight

    def logits(self, hidden: Floats) -> Floats:
        """Hidden states (rows, d_model) to logits (rows, vocab_size)."""
        return self.weight.product(hidden)

    def likeliest(self, hidden: Floats, count: int, never: Sequence[int], renormalise: bool = True) -> Likeliest:
        """The likeliest tokens of every row of hidden states, (rows, d_model); see `likeliest_of`.

        The values are those of `likeliest_of(self.logits(hidden), ...)`, bit for bit, and no logits are kept.
        """
        if count > FEW:
            return self.likeliest_of(self.logits(hidden), count, never, renormalise)
        check(hidden, float32, (len(hidden), self.weight.in_features))
        found, arguments = self._arguments(None, len(hidden), count, never, renormalise)
        place = address_of(hidden)
        self._kernels.project_likeliest(self.weight.address, place, ctypes.byref(arguments), threads.count())
        return found

    def likeliest_of(self, logits: Floats, count: int, never: Sequence[int], renormalise: bool = True) -> Likeliest:
        """The likeliest tokens of every row.

        Args:
            logits: (rows, vocab_size).
            count: how many; at most the vocabulary's size.
            never: tokens that must not be generated.
            renormalise: whether the probabilities of the others sum to 1.

        Raises:
            ValueError: if there are not so many tokens, or no such token.
        """
        check(logits, float32, (len(logits), self.weight.out_features))
        found, arguments = self._arguments(address_of(logits), len(logits), count, never, renormalise)
        self._kernels.likeliest(ctypes.byref(arguments), threads.count())
        return found

    @property
    def _kernels(self) -> Any:
        return native.best()

    def _arguments(
        self, logits: int | None, rows: int, count: int, never: Sequence[int], renormalise: bool
    ) -> tuple[Likeliest, Any]:
        size = self.weight.out_features
        check_asked(size, count, never)
        found = Likeliest(numpy.empty((rows, count), float32), numpy.empty((rows, count), int64))
        excluded = (ctypes.c_int64 * len(never))(*never)
        arguments = native.Likeliest(
            logits, rows, size, count, ctypes.addressof(excluded), len(never), renormalise,
            address_of(found.log_probability), address_of(found.token),
        )  # fmt: skip
        arguments.excluded = excluded  # lives as long as they do
        return found, arguments


def check_asked(size: int, count: int, never: Sequence[int]) -> None:
    """See that so many likeliest tokens can be found in a vocabulary of a size; a ValueError if they cannot."""
    if not 1 <= count <= size:
        raise ValueError(f"{count} likeliest tokens of {size}")
    if any(not 0 <= token < size for token in never):
        raise ValueError(f"tokens {list(never)} of a vocabulary of {size}")


class NativeVocabulary:
    """Embeddings and output of a Transformer; one weight that is several of them is packed once.

    Args:
        weights: of the network.
        config: a `TransformerConfig`.
        precision: of all.
    """

    def __init__(self, weights: Weights, config: Any, precision: Precision) -> None:
        # With what each was packed from: where an array is gone another may lie.
        packed: dict[int, tuple[Floats, PackedWeight]] = {}

        def one(name: str, bias: Floats | None = None) -> PackedWeight:
            weight = weights[name]
            place = address_of(weight)
            if place not in packed:
                packed[place] = weight, PackedWeight(weight, bias, precision)
            return packed[place][1]

        # The output first: an embedding does not mind its bias.
        self.output = NativeOutput(one("output.weight", weights["output.bias"] if config.output_bias else None))
        self._source, self._target = one("source_embedding.weight"), one("target_embedding.weight")
        for name in ("output", "source_embedding", "target_embedding"):
            weights.give_up(name)
        self._factor = math.sqrt(config.d_model) if config.scale_embeddings else 1.0
        names = "source_positions.embedding", "target_positions.embedding"
        self._source_positions, self._target_positions = (
            Positions(kind, config.d_model, weights[name] if kind == "learned" else None)
            for kind, name in zip(config.position_kinds, names, strict=True)
        )

    def source(self, tokens: Ids, positions: Ids) -> Floats:
        """Embedded source tokens, (tokens,), at their positions, (tokens,), to (tokens, d_model)."""
        return _embedded(self._source, tokens, self._factor, self._source_positions, positions)

    def target(self, tokens: Ids, position: int) -> Floats:
        """Embedded target tokens, (rows,), all at one position, to (rows, d_model)."""
        return _embedded(self._target, tokens, self._factor, self._target_positions, position)


def _embedded(weight: PackedWeight, tokens: Ids, factor: float, positions: Positions, at: Ids | int) -> Floats:
    x = weight.rows(tokens, factor)
    positions.add(x, at)
    return x
