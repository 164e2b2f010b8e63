"""Our Transformer as a translator of `transformers`: Post-LN as MarianMTModel, Pre-LN as Pegasus.

PegasusForConditionalGeneration is the same network as MarianMTModel but for where the norms stand: the same names, the
same sinusoids from position 0 on, and the last norm of either side that Pre-LN has. It saves and loads its tables of
positions, so learned ones are tables like any other, and none are zeros; MarianMTModel leaves its tables out.
"""

from typing import Any

import torch
from torch import Tensor

from patchword.checkpoints.exportable import Exportable
from patchword.checkpoints.vocabulary_files import VocabularyFiles
from patchword.converters.marian.channels import to_halves
from patchword.converters.marian.checkpoint import (
    CHANNELS_KEY,
    NORMALISATION_KEY,
    POSITIONS,
    POSITIONS_KEY,
    table,
)
from patchword.converters.marian.embeddings import SHARED, SOURCE, TARGET
from patchword.converters.marian.search import generation_config, untold
from patchword.converters.marian.vocabulary import TARGET_IDS, written_vocabulary
from patchword.converters.tables import converted_back
from patchword.errors import ExportError
from patchword.models.transformer_config import TransformerConfig
from patchword.nn.positions import sinusoidal_table
from patchword.text.options import SearchOptions

_ACTIVATIONS = {"relu": "relu", "gelu": "gelu", "gelu_tanh": "gelu_pytorch_tanh", "silu": "swish"}


def hugging_face_transformer(content: Exportable) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors under their names, and the other files by name: bytes, or values for JSON.

    Interleaved sinusoids are no obstacle: the channels are reordered to halves, which changes nothing that is computed,
    and config.json says so for the way back, as it does for the form that texts are brought to, which MarianTokenizer
    does not know. For what has no counterpart, see `untold_by_marian`.

    Args:
        content: a Transformer with its vocabulary and languages.

    Raises:
        ExportError: with what the class cannot express.
    """
    config: Any = content.model.config
    _check(config)
    search = SearchOptions.parse(content.details.get("search", {}), "search")
    tensors = {name: parameter.detach() for name, parameter in content.model.named_parameters()}
    if config.positions == "sinusoidal":
        tensors = to_halves(tensors, config.d_model)
    learned = {name: tensors.pop(name) for name in POSITIONS if name in tensors}
    files = VocabularyFiles.parse(content.files)
    vocabulary = written_vocabulary(files)
    form = {} if files.normalisation == "none" else {NORMALISATION_KEY: files.normalisation}
    tokenizer = {
        "tokenizer_class": "MarianTokenizer",
        "source_lang": content.details.get("source_language"),
        "target_lang": content.details.get("target_language"),
        "separate_vocabs": TARGET_IDS in vocabulary,
        "unk_token": "<unk>",
        "eos_token": "</s>",
        "pad_token": "<pad>",
        "model_max_length": config.max_positions,
    }
    theirs = converted_back(table(config.share_embeddings, config.norm_first), tensors)
    if config.norm_first:
        theirs |= _positions(config, learned)
        if not config.tie_output:
            theirs |= {name: theirs[SHARED].clone() for name in (SOURCE, TARGET)}  # without ties it has three
    return theirs, {
        "config.json": {**hugging_face_config(config), **form},
        "generation_config.json": generation_config(search, config),
        "tokenizer_config.json": tokenizer,
        **vocabulary,
    }


def untold_by_marian(content: Exportable) -> list[str]:
    """What MarianMTModel and its tokenizer will do otherwise, a sentence each."""
    notes = untold(SearchOptions.parse(content.details.get("search", {}), "search"))
    if VocabularyFiles.parse(content.files).normalisation != "none":
        notes.append(
            "MarianTokenizer takes text as it is; this model's brings spaces of other kinds, full-width letters and "
            "their like to the form of its vocabulary first"
        )
    return notes


def hugging_face_config(config: TransformerConfig) -> dict[str, Any]:
    """config.json of a MarianMTModel, or a PegasusForConditionalGeneration, that computes the same."""
    kind: dict[str, Any] = {
        "architectures": ["MarianMTModel"],
        "model_type": "marian",
        "decoder_vocab_size": config.target_vocab_size,
        "share_encoder_decoder_embeddings": config.share_embeddings,
        "static_position_embeddings": True,
    }
    if config.norm_first:
        kind = {"architectures": ["PegasusForConditionalGeneration"], "model_type": "pegasus"}
    return {
        **kind,
        "vocab_size": config.source_vocab_size,
        "d_model": config.d_model,
        **{f"{side}_attention_heads": config.num_heads for side in ("encoder", "decoder")},
        **{f"{side}_ffn_dim": config.d_ff for side in ("encoder", "decoder")},
        "encoder_layers": config.encoder_layers,
        "decoder_layers": config.decoder_layers,
        "num_hidden_layers": config.encoder_layers,
        "dropout": config.dropout,
        "attention_dropout": config.attention_dropout,
        "activation_dropout": config.activation_dropout,
        "activation_function": _ACTIVATIONS[config.activation],
        "max_position_embeddings": config.max_positions,
        "scale_embedding": config.scale_embeddings,
        "tie_word_embeddings": config.tie_output,
        "is_encoder_decoder": True,
        "pad_token_id": config.pad_id,
        "eos_token_id": config.eos_id,
        "decoder_start_token_id": config.bos_id,
        "forced_eos_token_id": None,
        "dtype": "float32",
        **({CHANNELS_KEY: "interleaved"} if config.positions == "sinusoidal" else {}),
        **({POSITIONS_KEY: config.positions} if not config.positions.startswith("sinusoidal") else {}),
    }


def _positions(config: TransformerConfig, learned: dict[str, Tensor]) -> dict[str, Tensor]:
    """Pegasus's tables of positions."""
    if learned:
        return {theirs: learned[ours] for ours, theirs in POSITIONS.items()}
    shape = config.max_positions, config.d_model
    made = torch.zeros(shape) if config.positions == "none" else sinusoidal_table(*shape, "halves")
    return {theirs: made.clone() for theirs in POSITIONS.values()}


def _check(config: TransformerConfig) -> None:
    """Refuse what the class lacks."""
    name = "PegasusForConditionalGeneration" if config.norm_first else "MarianMTModel"
    if config.layer_norm_eps != 1e-5:
        lacks = f"layer_norm_eps = {config.layer_norm_eps}; it has 1e-05 only"
    elif config.norm_first and not config.share_embeddings:
        lacks = "norm_first with share_embeddings = false; it has one vocabulary"
    elif len(set(config.position_kinds)) > 1:
        lacks = f"decoder_positions = {config.decoder_positions!r}; it has one kind of positions on both sides"
    elif not config.norm_first and not config.positions.startswith("sinusoidal"):
        lacks = f"positions = {config.positions!r}; it has sinusoids only"
    elif not config.norm_first and config.share_embeddings and not config.tie_output:
        lacks = "share_embeddings without tie_output; it ties all three or none"
    else:
        return
    raise ExportError(f"--to hf: {name} cannot express {lacks}")
