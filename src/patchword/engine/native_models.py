"""The networks that the engine makes of a model folder's arrays, without torch."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from patchword.engine.native_layers import Weights
from patchword.engine.precision import Precision
from patchword.models.model_config import ModelConfig

if TYPE_CHECKING:
    from patchword.models.transformer_config import TransformerConfig
    from patchword.models.vision_transformer_config import VisionTransformerConfig

Shape = tuple[int, ...]


class NativeModel(NamedTuple):
    """One architecture.

    Attributes:
        config: its config.
        shapes: the names and shapes of what is kept of a network of a config.
        also: from a name that tied weights have in the network to the one that they have among those.
        network: from a config, the arrays and a precision.
        lacks: what of a config it does not have, a clause; None if it has all.
    """

    config: type[ModelConfig]
    shapes: Callable[[Any], Mapping[str, Shape]]
    also: Callable[[Any], Mapping[str, str]]
    network: Callable[[Any, Weights, Precision], Any]
    lacks: Callable[[Any], str | None]


def transformer_shapes(config: "TransformerConfig") -> dict[str, Shape]:
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


def vision_transformer_shapes(config: "VisionTransformerConfig") -> dict[str, Shape]:
    """Of a ViT."""
    width, patches = config.d_model, config.grid[0] * config.grid[1]
    found = _linear("patch_embedding.projection", width, config.channels * config.patch_size**2)
    found |= {name: (width,) for name in ("class_token", "distillation_token") if getattr(config, name)}
    if config.register_tokens:
        found["register_tokens"] = (config.register_tokens, width)
    if config.positions == "learned":
        found["position_embedding.embedding"] = (config.prefix + patches, width)
    inner = config.d_ff * (2 if config.activation == "swiglu" else 1)
    for layer in (f"encoder.layers.{index}" for index in range(config.num_layers)):
        found |= _linear(f"{layer}.self_attention.query_key_value", 3 * width, width)
        found |= _linear(f"{layer}.self_attention.output", width, width)
        found |= _linear(f"{layer}.feed_forward.inner", inner, width)
        found |= _linear(f"{layer}.feed_forward.outer", width, config.d_ff)
        for part in ("self_attention_residual", "feed_forward_residual"):
            found |= _norm(f"{layer}.{part}.norm", width)
            if config.layer_scale is not None:
                found[f"{layer}.{part}.layer_scale.factor"] = (width,)
    if config.norm_first and not config.norm_after_pool:
        found |= _norm("encoder.norm", width)
    if config.norm_after_pool:
        found |= _norm("pooled_norm", config.feature_size)
    if config.head_hidden is not None:
        found |= _linear("head.hidden.0", config.head_hidden, config.feature_size)
    if config.num_classes:
        found |= _linear("head.linear", config.num_classes, config.head_hidden or config.feature_size)
    if config.distillation_head:
        found |= _linear("distillation_head.linear", config.num_classes, width)
    return found


def _gates(config: "VisionTransformerConfig") -> str | None:
    return "there is no swiglu without torch" if config.activation == "swiglu" else None


def _transformers_also(config: "TransformerConfig") -> dict[str, str]:
    source = "source_embedding.weight"
    target = source if config.share_embeddings else "target_embedding.weight"
    return {"target_embedding.weight": target, "output.weight": target if config.tie_output else "output.weight"}


def _linear(name: str, outputs: int, inputs: int) -> dict[str, Shape]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _norm(name: str, width: int) -> dict[str, Shape]:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def _transformer() -> NativeModel:
    from patchword.engine.native_transformer import NativeTransformer
    from patchword.models.transformer_config import TransformerConfig

    return NativeModel(TransformerConfig, transformer_shapes, _transformers_also, NativeTransformer, lambda _: None)


def _vision_transformer() -> NativeModel:
    from patchword.engine.native_vision_transformer import NativeVisionTransformer
    from patchword.models.vision_transformer_config import VisionTransformerConfig

    return NativeModel(
        VisionTransformerConfig, vision_transformer_shapes, lambda _: {}, NativeVisionTransformer, _gates
    )


# Each is imported when it is asked for: a program that translates begins before a config of images is made.
NATIVE: dict[str, Callable[[], NativeModel]] = {
    "transformer": _transformer,
    "vision_transformer": _vision_transformer,
}
