"""Encoder and decoder layers as the kernels read them, from a network's arrays."""

from collections.abc import Iterator
from typing import Any, Protocol

from numpy import float32
from numpy.typing import NDArray

from patchword.engine import native
from patchword.engine.packed_weight import PackedNormWeight, PackedWeight
from patchword.engine.precision import Precision


class Weights(Protocol):
    """A network's arrays by their names in its model folder, a tied one under each of its names."""

    def __getitem__(self, name: str) -> NDArray[float32]:
        """Contiguous values; they may be a file's, so they are read and not kept."""

    def give_up(self, name: str) -> None:
        """What has this name, or one that begins with it and a dot, is packed now."""


class Layers:
    """What a stack of layers is packed from and kept in.

    Args:
        weights: of the network.
        name: of the stack, "encoder" or "decoder".
        count: how many layers it has.
        config: the network's, a `TransformerConfig`.
        precision: of the products.
    """

    def __init__(self, weights: Weights, name: str, count: int, config: Any, precision: Precision) -> None:
        self._weights, self._config, self._precision = weights, config, precision
        self._name, self._count = name, count
        self._kept: list[Any] = []  # what addresses lead to
        self.norm: PackedNormWeight | None = None

    def each(self, rows: Any) -> Iterator[tuple[str, Any]]:
        """The name and the structure of each layer, whose weights are given up when it is filled."""
        for index, row in enumerate(rows):
            name = f"{self._name}.layers.{index}"
            yield name, row
            self._weights.give_up(name)
        if self._config.norm_first:
            self.norm = self._norm_of(f"{self._name}.norm")

    def products(self, name: str, activation: str = "none") -> Any:
        """A linear layer."""
        return self.product(*self._linear(name), activation).arguments

    def norm_of(self, name: str) -> Any:
        """A residual connection's norm."""
        return self._norm_of(f"{name}.norm").arguments

    def scaled_query(self, name: str) -> tuple[NDArray[float32], NDArray[float32]]:
        """An attention's projection with the query divided by sqrt(head size)."""
        weight, bias = (array.copy() for array in self._linear(f"{name}.query_key_value"))
        size = self._config.d_model
        factor = (size / self._config.num_heads) ** -0.5
        weight[:size] *= factor
        bias[:size] *= factor
        return weight, bias

    def product(self, weight: NDArray[float32], bias: NDArray[float32], activation: str = "none") -> PackedWeight:
        """A packed weight that is kept as long as the layers."""
        found = PackedWeight(weight, bias, self._precision, activation)
        self._kept.append(found)
        return found

    def _linear(self, name: str) -> tuple[NDArray[float32], NDArray[float32]]:
        return self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]

    def _norm_of(self, name: str) -> PackedNormWeight:
        found = PackedNormWeight(*self._linear(name), self._config.layer_norm_eps)
        self._kept.append(found)
        return found


class NativeEncoder(Layers):
    """`nn.encoder.Encoder` for the kernels; the arguments are those of `Layers`."""

    def __init__(self, weights: Weights, config: Any, precision: Precision) -> None:
        super().__init__(weights, "encoder", config.encoder_layers, config, precision)
        rows = (native.EncoderLayer * config.encoder_layers)()
        for name, row in self.each(rows):
            row.query_key_value = self.product(*self.scaled_query(f"{name}.self_attention")).arguments
            row.output = self.products(f"{name}.self_attention.output")
            row.inner = self.products(f"{name}.feed_forward.inner", config.activation)
            row.outer = self.products(f"{name}.feed_forward.outer")
            row.self_norm = self.norm_of(f"{name}.self_attention_residual")
            row.feed_forward_norm = self.norm_of(f"{name}.feed_forward_residual")
        head_size = config.d_model // config.num_heads
        self.arguments = native.Encoder(rows, len(rows), config.num_heads, head_size, config.norm_first)


class NativeDecoder(Layers):
    """`nn.decoder.Decoder` for the kernels; the arguments are those of `Layers`.

    Attributes:
        memory: of each layer, what projects the source's keys and values.
    """

    def __init__(self, weights: Weights, config: Any, precision: Precision) -> None:
        super().__init__(weights, "decoder", config.decoder_layers, config, precision)
        self.memory: list[PackedWeight] = []
        rows = (native.DecoderLayer * config.decoder_layers)()
        for name, row in self.each(rows):
            row.query_key_value = self.product(*self.scaled_query(f"{name}.self_attention")).arguments
            row.output = self.products(f"{name}.self_attention.output")
            weight, bias = self.scaled_query(f"{name}.cross_attention")
            row.cross_query = self.product(weight[: config.d_model], bias[: config.d_model]).arguments
            self.memory.append(self.product(weight[config.d_model :], bias[config.d_model :]))
            row.cross_output = self.products(f"{name}.cross_attention.output")
            row.inner = self.products(f"{name}.feed_forward.inner", config.activation)
            row.outer = self.products(f"{name}.feed_forward.outer")
            row.self_norm = self.norm_of(f"{name}.self_attention_residual")
            row.cross_norm = self.norm_of(f"{name}.cross_attention_residual")
            row.feed_forward_norm = self.norm_of(f"{name}.feed_forward_residual")
        head_size = config.d_model // config.num_heads
        self.arguments = native.Decoder(rows, len(rows), config.num_heads, head_size, config.norm_first)
