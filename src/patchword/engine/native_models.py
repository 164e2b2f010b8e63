"""The networks that the engine makes of a model folder's arrays, without torch."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from patchword.engine.native_layers import Weights
from patchword.engine.native_transformer import NativeTransformer
from patchword.engine.precision import Precision
from patchword.models.model_config import ModelConfig
from patchword.models.transformer_config import TransformerConfig

Shape = tuple[int, ...]


class NativeModel(NamedTuple):
    """One architecture.

    Attributes:
        config: its config.
        shapes: the names and shapes of what is kept of a network of a config.
        also: from a name that tied weights have in the network to the one that they have among those.
        network: from a config, the arrays and a precision.
    """

    config: type[ModelConfig]
    shapes: Callable[[Any], Mapping[str, Shape]]
    also: Callable[[Any], Mapping[str, str]]
    network: Callable[[Any, Weights, Precision], Any]


def transformer_shapes(config: TransformerConfig) -> dict[str, Shape]:
    """Of a Transformer; a tied weight stands under its first name."""
    width, inner = config.d_model, config.d_ff
    found: dict[str, Shape] = {"source_embedding.weight": (config.source_vocab_size, width)}
    if not config.share_embeddings:
        found["target_embedding.weight"] = (config.target_vocab_size, width)
    if not config.tie_output:
        found["output.weight"] = (config.target_vocab_size, width)
    if config.output_bias:
        found["output.bias"] = (config.target_vocab_size,)
    for side, kind in zip(("source", "target"), config.position_kinds, strict=True):
        if kind == "learned":
            found[f"{side}_positions.embedding"] = (config.max_positions, width)
    sides = {
        "encoder": (config.encoder_layers, ("self_attention",)),
        "decoder": (config.decoder_layers, ("self_attention", "cross_attention")),
    }
    for side, (layers, attentions) in sides.items():
        for layer in (f"{side}.layers.{index}" for index in range(layers)):
            for attention in attentions:
                found |= _linear(f"{layer}.{attention}.query_key_value", 3 * width, width)
                found |= _linear(f"{layer}.{attention}.output", width, width)
            found |= _linear(f"{layer}.feed_forward.inner", inner, width)
            found |= _linear(f"{layer}.feed_forward.outer", width, inner)
            for part in (*attentions, "feed_forward"):
                found |= _norm(f"{layer}.{part}_residual.norm", width)
        if config.norm_first:
            found |= _norm(f"{side}.norm", width)
    return found


def _transformers_also(config: TransformerConfig) -> dict[str, str]:
    source = "source_embedding.weight"
    target = source if config.share_embeddings else "target_embedding.weight"
    return {"target_embedding.weight": target, "output.weight": target if config.tie_output else "output.weight"}


def _linear(name: str, outputs: int, inputs: int) -> dict[str, Shape]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _norm(name: str, width: int) -> dict[str, Shape]:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


NATIVE: dict[str, NativeModel] = {
    "transformer": NativeModel(TransformerConfig, transformer_shapes, _transformers_also, NativeTransformer),
}
