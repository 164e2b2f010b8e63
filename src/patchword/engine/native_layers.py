"""Encoder and decoder layers as the kernels read them, from a network's arrays."""

import ctypes
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from numpy import float32, int64, uint16
from numpy.typing import NDArray

from patchword.engine import native, threads
from patchword.engine.memory import LARGE_PAGES
from patchword.engine.packed_weight import PackedNormWeight, PackedWeight, address_of, check
from patchword.engine.precision import Precision

Floats = NDArray[float32]
Ids = NDArray[int64]


class Weights(Protocol):
    """A network's arrays by their names in its model folder, a tied one under each of its names."""

    def __getitem__(self, name: str) -> Floats:
        """Contiguous values; they may be a file's, so they are read and not kept."""

    def give_up(self, name: str) -> None:
        """What has this name, or one that begins with it and a dot, is packed now."""


class Layers:
    """What a stack of layers is packed from and kept in.

    Args:
        weights: of the network.
        name: of the stack, "encoder" or "decoder".
        config: the network's, a `TransformerConfig` or a `VisionTransformerConfig`.
        precision: of the products.
        last_norm: whether a norm follows the last layer.

    Attributes:
        norm: that one.
    """

    def __init__(self, weights: Weights, name: str, config: Any, precision: Precision, last_norm: bool) -> None:
        self._weights, self._config, self._precision = weights, config, precision
        self._name, self._last_norm = name, last_norm
        self._kept: list[Any] = []  # what addresses lead to
        self.norm: PackedNormWeight | None = None

    def each(self, rows: Any) -> Iterator[tuple[str, Any]]:
        """The name and the structure of each layer, whose weights are given up when it is filled."""
        for index, row in enumerate(rows):
            name = f"{self._name}.layers.{index}"
            yield name, row
            self._weights.give_up(name)
        if self._last_norm:
            self.norm = self._norm_of(f"{self._name}.norm")
        del self._weights  # and the file that they may be mapped from

    def inner(self, name: str) -> Any:
        """A feed-forward network's first linear layer, with its activation."""
        return self.product(*self._linear(f"{name}.inner"), self._config.activation).arguments

    def last(self, name: str, residual: str) -> Any:
        """A sublayer's last linear layer, times the layer scale that follows in its residual connection."""
        weight, bias = self._linear(name)
        if getattr(self._config, "layer_scale", None) is not None:
            factor = self._weights[f"{residual}.layer_scale.factor"]
            weight, bias = weight * factor[:, None], bias * factor
        return self.product(weight, bias).arguments

    def norm_of(self, name: str) -> Any:
        """A residual connection's norm."""
        return self._norm_of(f"{name}.norm").arguments

    def scaled_query(self, name: str) -> tuple[Floats, Floats]:
        """An attention's projection with the query divided by sqrt(head size)."""
        weight, bias = (array.copy() for array in self._linear(f"{name}.query_key_value"))
        size = self._config.d_model
        factor = (size / self._config.num_heads) ** -0.5
        weight[:size] *= factor
        bias[:size] *= factor
        return weight, bias

    def product(self, weight: Floats, bias: Floats, activation: str = "none") -> PackedWeight:
        """A packed weight that is kept as long as the layers."""
        found = PackedWeight(weight, bias, self._precision, activation)
        self._kept.append(found)
        return found

    def _linear(self, name: str) -> tuple[Floats, Floats]:
        return self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]

    def _norm_of(self, name: str) -> PackedNormWeight:
        found = PackedNormWeight(*self._linear(name), self._config.layer_norm_eps)
        self._kept.append(found)
        return found


class NativeEncoder(Layers):
    """`nn.encoder.Encoder` for the kernels.

    Args:
        weights: see `Layers`, as `config`, `precision` and `last_norm`.
        count: how many layers it has.
    """

    def __init__(self, weights: Weights, count: int, config: Any, precision: Precision, last_norm: bool) -> None:
        super().__init__(weights, "encoder", config, precision, last_norm)
        rows = (native.EncoderLayer * count)()
        for name, row in self.each(rows):
            row.query_key_value = self.product(*self.scaled_query(f"{name}.self_attention")).arguments
            row.output = self.last(f"{name}.self_attention.output", f"{name}.self_attention_residual")
            row.inner = self.inner(f"{name}.feed_forward")
            row.outer = self.last(f"{name}.feed_forward.outer", f"{name}.feed_forward_residual")
            row.self_norm = self.norm_of(f"{name}.self_attention_residual")
            row.feed_forward_norm = self.norm_of(f"{name}.feed_forward_residual")
        head_size = config.d_model // config.num_heads
        self.arguments = native.Encoder(rows, len(rows), config.num_heads, head_size, config.norm_first)

    def run(self, x: Floats, groups: Sequence[tuple[int, int, int]]) -> Floats:
        """All layers in one call.

        Args:
            x: contiguous rows, (rows, d_model), which are overwritten.
            groups: of sequences of one length that lie one after another: first row, sequences, length.

        Returns:
            what the last norm makes of them, or x.

        Raises:
            ValueError: if there are not these rows.
        """
        check(x, float32, (len(x), self.arguments.heads * self.arguments.head_size))
        if any(min(group) < 0 or group[0] + group[1] * group[2] > len(x) for group in groups):
            raise ValueError(f"groups {list(groups)} of {len(x)} rows")
        places = (native.Group * len(groups))(*(native.Group(*group) for group in groups))
        kernels = native.best()
        assert kernels is not None
        arguments, groups_at = ctypes.byref(self.arguments), ctypes.byref(places)
        kernels.encode(arguments, address_of(x), len(x), groups_at, len(groups), threads.count())
        return x if self.norm is None else self.norm.norm(x)


class NativeDecoder(Layers):
    """`nn.decoder.Decoder` for the kernels; the arguments are those of `Layers`.

    Keys and values are remembered in bfloat16 beside products in less than float32, which halves what a step reads of
    them.

    Attributes:
        memory: of each layer, what projects the source's keys and values.
        remembers: what they are kept in: float32, or uint16 for the bits of bfloat16.
    """

    def __init__(self, weights: Weights, config: Any, precision: Precision) -> None:
        super().__init__(weights, "decoder", config, precision, config.norm_first)
        self.memory: list[PackedWeight] = []
        rows = (native.DecoderLayer * config.decoder_layers)()
        for name, row in self.each(rows):
            row.query_key_value = self.product(*self.scaled_query(f"{name}.self_attention")).arguments
            row.output = self.last(f"{name}.self_attention.output", f"{name}.self_attention_residual")
            weight, bias = self.scaled_query(f"{name}.cross_attention")
            row.cross_query = self.product(weight[: config.d_model], bias[: config.d_model]).arguments
            self.memory.append(self.product(weight[config.d_model :], bias[config.d_model :]))
            row.cross_output = self.last(f"{name}.cross_attention.output", f"{name}.cross_attention_residual")
            row.inner = self.inner(f"{name}.feed_forward")
            row.outer = self.last(f"{name}.feed_forward.outer", f"{name}.feed_forward_residual")
            row.self_norm = self.norm_of(f"{name}.self_attention_residual")
            row.cross_norm = self.norm_of(f"{name}.cross_attention_residual")
            row.feed_forward_norm = self.norm_of(f"{name}.feed_forward_residual")
        head_size = config.d_model // config.num_heads
        remembers = "float32" if precision == "float32" else "bfloat16"
        self.remembers: type = {"float32": float32, "bfloat16": uint16}[remembers]
        self.arguments = native.Decoder(
            rows, len(rows), config.num_heads, head_size, config.norm_first, native.PRECISIONS.index(remembers)
        )

    def start(self, rows: Floats, starts: Ids, counts: Ids) -> NDArray[Any]:
        """The source's keys and values, in every layer, (layers, 2, slots, heads, source, head_size); what is
        behind a sentence's own stays what it was.

        Args:
            rows: the encoder's, (tokens, d_model).
            starts: each sentence's first row, (slots,).
            counts: how many rows it has, (slots,).

        Raises:
            ValueError: if there are not these rows.
        """
        check(starts, int64, counts.shape)
        check(counts, int64, (len(counts),))
        if min(starts.min(), counts.min()) < 0 or (starts + counts).max() > len(rows):
            raise ValueError(f"sources of {counts} tokens from {starts} of {len(rows)} rows")
        heads, head_size, longest = self.arguments.heads, self.arguments.head_size, int(counts.max())
        found = LARGE_PAGES.empty((len(self.memory), 2, len(counts), heads, longest, head_size), self.remembers)
        kernels = native.best()
        assert kernels is not None
        for weight, to in zip(self.memory, found, strict=True):
            projected = weight.product(rows)
            places = (address_of(projected), address_of(starts), address_of(counts), address_of(to))
            sizes = (len(counts), heads, head_size, longest)
            arguments = native.Source(*places, *sizes, self.arguments.remembers)
            kernels.remember(ctypes.byref(arguments), threads.count())
        return found
