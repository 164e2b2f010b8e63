"""A Transformer of ours as CTranslate2 reads it, weight by weight, by CTranslate2's own model specification.

usage: ctranslate2_model.py MODEL OUT

MODEL is a model or run folder with one vocabulary. OUT gets CTranslate2's model, and SentencePiece's in
`vocabulary.model`.
"""

import math
import shutil
import sys
from pathlib import Path
from typing import Any

import ctranslate2
import numpy
import sentencepiece
from ctranslate2.specs import common_spec, transformer_spec
from safetensors.numpy import load_file

from patchword.checkpoints.description import model_path, read_any
from patchword.engine.native_vocabulary import sinusoids
from patchword.models.transformer_config import TransformerConfig

ACTIVATIONS = {"relu": "RELU", "gelu": "GELU", "silu": "SWISH", "gelu_tanh": "GELUTanh"}


def write(model: Path, out: Path) -> None:
    """Write OUT, which must not be there."""
    config = TransformerConfig.parse(read_any(model).model, "config.json")
    weights = load_file(model / "model.safetensors")
    assert config.share_embeddings
    assert config.tie_output
    assert config.layer_norm_eps == 1e-5  # which CTranslate2 has
    spec = transformer_spec.TransformerSpec.from_config(
        (config.encoder_layers, config.decoder_layers),
        config.num_heads,
        pre_norm=config.norm_first,
        activation=getattr(common_spec.Activation, ACTIVATIONS[config.activation]),
    )
    embedding = weights["source_embedding.weight"]
    for name, side in (("encoder", spec.encoder), ("decoder", spec.decoder)):
        side.scale_embeddings = math.sqrt(config.d_model) if config.scale_embeddings else 1.0
        side.position_encodings.encodings = sinusoids(512, config.d_model, config.positions == "sinusoidal_halves")
        (side.embeddings[0] if name == "encoder" else side.embeddings).weight = embedding
        if config.norm_first:
            _norm(side.layer_norm, weights, f"{name}.norm")
        for index, layer in enumerate(side.layer):
            place = f"{name}.layers.{index}"
            _linear(layer.self_attention.linear[0], weights, f"{place}.self_attention.query_key_value")
            _linear(layer.self_attention.linear[1], weights, f"{place}.self_attention.output")
            _norm(layer.self_attention.layer_norm, weights, f"{place}.self_attention_residual.norm")
            if name == "decoder":
                cross, width = f"{place}.cross_attention", config.d_model
                _linear(layer.attention.linear[0], weights, f"{cross}.query_key_value", slice(0, width))
                _linear(layer.attention.linear[1], weights, f"{cross}.query_key_value", slice(width, None))
                _linear(layer.attention.linear[2], weights, f"{cross}.output")
                _norm(layer.attention.layer_norm, weights, f"{place}.cross_attention_residual.norm")
            _linear(layer.ffn.linear_0, weights, f"{place}.feed_forward.inner")
            _linear(layer.ffn.linear_1, weights, f"{place}.feed_forward.outer")
            _norm(layer.ffn.layer_norm, weights, f"{place}.feed_forward_residual.norm")
    spec.decoder.projection.weight = embedding
    bias = weights.get("output.bias", numpy.zeros(len(embedding), numpy.float32)).copy()
    bias[[config.pad_id, config.bos_id]] = -1e9  # which never follow, as here
    spec.decoder.projection.bias = bias
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(model / "vocabulary.model"))
    tokens = [pieces.id_to_piece(index) for index in range(pieces.get_piece_size())]
    for register in (spec.register_source_vocabulary, spec.register_target_vocabulary):
        register(tokens)
    spec.config.bos_token = spec.config.decoder_start_token = tokens[config.bos_id]
    spec.config.eos_token, spec.config.unk_token = tokens[config.eos_id], tokens[pieces.unk_id()]
    spec.config.add_source_bos, spec.config.add_source_eos = False, False
    spec.validate()
    spec.optimize(quantization=None)
    out.mkdir()
    spec.save(str(out))
    shutil.copy(model / "vocabulary.model", out)


def _linear(spec: Any, weights: dict[str, Any], name: str, part: slice = slice(None)) -> None:
    spec.weight, spec.bias = weights[f"{name}.weight"][part], weights[f"{name}.bias"][part]


def _norm(spec: Any, weights: dict[str, Any], name: str) -> None:
    spec.gamma, spec.beta = weights[f"{name}.weight"], weights[f"{name}.bias"]


if __name__ == "__main__":
    print(f"CTranslate2 {ctranslate2.__version__}")
    write(model_path(Path(sys.argv[1])), Path(sys.argv[2]))
