"""Marian as `transformers` saves it (MarianMTModel): the OPUS-MT translators and their kin.

Pegasus is here as far as it is a Marian of Pre-LN layers with Marian's vocabulary, which is what `export` writes.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from patchword.checkpoints.vocabulary_files import NormalisationFile
from patchword.converters.hugging_face.configs import activation
from patchword.converters.imported import Imported, ImportOptions, fill
from patchword.converters.marian.channels import to_interleaved
from patchword.converters.marian.embeddings import OUTPUT, SHARED, SOURCE, TARGET, embeddings
from patchword.converters.marian.search import generation_settings, search_options
from patchword.converters.marian.vocabulary import added_tokens, read_vocabulary
from patchword.converters.settings import is_there, read_json
from patchword.converters.tables import Row, Table, batch_of_one, same, stacked
from patchword.errors import CheckpointError, RecipeError, shown
from patchword.models.transformer_config import TransformerConfig
from patchword.nn.positions import sinusoidal_table
from patchword.text.details import TranslatorDetails

# A key of ours in config.json: how the channels stood before `channels.to_halves`.
CHANNELS_KEY = "patchword_channels"
# Another: "learned" or "none", where the tables of positions are no sinusoids.
POSITIONS_KEY = "patchword_positions"
# Another: the form that texts are brought to before they become tokens; see `text.normalisation`.
NORMALISATION_KEY = "patchword_normalisation"

# Our learned positions, and their tables.
POSITIONS = {
    "source_positions.embedding": "model.encoder.embed_positions.weight",
    "target_positions.embedding": "model.decoder.embed_positions.weight",
}


def _attention(ours: str, theirs: str) -> dict[str, Row]:
    return {
        f"{ours}.query_key_value.*": stacked(f"{theirs}.q_proj.*", f"{theirs}.k_proj.*", f"{theirs}.v_proj.*"),
        f"{ours}.output.*": same(f"{theirs}.out_proj.*"),
        f"{ours}_residual.norm.*": same(f"{theirs}_layer_norm.*"),
    }


def _feed_forward(ours: str, theirs: str) -> dict[str, Row]:
    return {
        f"{ours}.feed_forward.inner.*": same(f"{theirs}.fc1.*"),
        f"{ours}.feed_forward.outer.*": same(f"{theirs}.fc2.*"),
        f"{ours}.feed_forward_residual.norm.*": same(f"{theirs}.final_layer_norm.*"),
    }


_LAYERS: Table = {
    **_attention("encoder.layers.{i}.self_attention", "model.encoder.layers.{i}.self_attn"),
    **_feed_forward("encoder.layers.{i}", "model.encoder.layers.{i}"),
    **_attention("decoder.layers.{i}.self_attention", "model.decoder.layers.{i}.self_attn"),
    **_attention("decoder.layers.{i}.cross_attention", "model.decoder.layers.{i}.encoder_attn"),
    **_feed_forward("decoder.layers.{i}", "model.decoder.layers.{i}"),
}


_LAST_NORMS: Table = {f"{side}.norm.*": same(f"model.{side}.layer_norm.*") for side in ("encoder", "decoder")}


def table(share_embeddings: bool, norm_first: bool) -> Table:
    """Our names to theirs."""
    return {
        **_LAYERS,
        **(_LAST_NORMS if norm_first else {}),
        **{ours: same(theirs) for ours, theirs in POSITIONS.items()},
        "source_embedding.weight": same(SHARED if share_embeddings else SOURCE),
        "target_embedding.weight": same(TARGET),
        "output.weight": same(OUTPUT),
        "output.bias": batch_of_one("final_logits_bias"),
    }


# MarianConfig's defaults, which a config.json may leave out.
DEFAULTS: dict[str, Any] = {
    "vocab_size": 58101,
    "decoder_vocab_size": None,
    "max_position_embeddings": 1024,
    "encoder_layers": 12,
    "encoder_ffn_dim": 4096,
    "encoder_attention_heads": 16,
    "decoder_layers": 12,
    "decoder_ffn_dim": 4096,
    "decoder_attention_heads": 16,
    "activation_function": "gelu",
    "d_model": 1024,
    "dropout": 0.1,
    "attention_dropout": 0.0,
    "activation_dropout": 0.0,
    "decoder_start_token_id": 58100,
    "scale_embedding": False,
    "pad_token_id": 58100,
    "eos_token_id": 0,
    "forced_eos_token_id": 0,
    "share_encoder_decoder_embeddings": True,
    "tie_word_embeddings": True,
}

# PegasusConfig's, where they differ.
PEGASUS_DEFAULTS = DEFAULTS | {
    "vocab_size": 50265,
    "decoder_start_token_id": 0,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "forced_eos_token_id": 1,
}


def _fixed(norm_first: bool) -> dict[str, Any]:
    """What older files say, and the one value that the class and we compute."""
    return {
        "normalize_before": norm_first,
        "normalize_embedding": False,
        "add_final_layer_norm": norm_first,
        "static_position_embeddings": True,
    }


def convert(folder: Path, config: Mapping[str, Any], tensors: Mapping[str, Tensor], options: ImportOptions) -> Imported:
    """A folder whose config.json says model_type "marian", or "pegasus".

    Raises:
        CheckpointError: if it is not such a network, or its vocabulary is not whole.
    """
    if (options.image_size, options.num_heads, options.classes) != (None, None, None):
        raise CheckpointError(folder, "is a translator: image size, heads and class names cannot be given")
    norm_first = config["model_type"] == "pegasus"
    config = {**(PEGASUS_DEFAULTS if norm_first else DEFAULTS), **config}
    settings = generation_settings(folder, config)
    config["decoder_start_token_id"] = settings.get("decoder_start_token_id", config["decoder_start_token_id"])
    tokenizer_file = folder / "tokenizer_config.json"
    tokenizer = read_json(tokenizer_file) if is_there(tokenizer_file) else {}
    _check_sizes(folder, config, tensors)
    vocabulary = read_vocabulary(folder, config, tokenizer)
    try:
        form = NormalisationFile.parse({"form": config.get(NORMALISATION_KEY, "none")}, NORMALISATION_KEY).form
    except RecipeError as error:
        raise CheckpointError(folder / "config.json", str(error)) from None
    vocabulary = replace(vocabulary, normalisation=form)
    tensors = {name if name == "final_logits_bias" else _prefixed(name): t for name, t in tensors.items()}
    positions = _positions(folder, config, tensors)
    tensors, shared, tied = embeddings(tensors, config)
    ours_config = _config(
        folder,
        config,
        norm_first=norm_first,
        positions=positions,
        share_embeddings=shared,
        tie_output=tied,
        output_bias="final_logits_bias" in tensors,
    )
    ours = fill(folder, "transformer", ours_config, table(shared, norm_first), tensors)
    if config.get(CHANNELS_KEY) == "interleaved" and positions == "sinusoidal_halves":
        for name, tensor in to_interleaved(ours, ours_config.d_model).items():
            ours.replace(name, tensor)
        ours_config = ours_config.model_copy(update={"positions": "sinusoidal"})
    left_out = added_tokens(folder, tokenizer)
    named = {f"{side}_language": tokenizer.get(f"{side}_lang") or "?" for side in ("source", "target")}
    try:
        search, notes = search_options(settings, ours_config)
        details = TranslatorDetails.parse({**named, "search": search}, "tokenizer_config.json")
    except RecipeError as error:
        raise CheckpointError(folder, str(error)) from None
    return Imported(
        folder,
        "Pegasus" if norm_first else "Marian",
        "transformer",
        ours_config,
        ours,
        details,
        vocabulary.by_name(),
        (*notes, *left_out, *_unsaid(options, named)),
    )


def _unsaid(options: ImportOptions, named: Mapping[str, Any]) -> list[str]:
    given = {"source_language": options.source_language, "target_language": options.target_language}
    missing = [key for key, language in named.items() if language == "?" and given[key] is None]
    options_of = " and ".join(f"--{key.replace('_', '-')}" for key in missing)
    return [f"tokenizer_config.json does not say all languages: give {options_of}"] if missing else []


def _check_sizes(folder: Path, config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """See that no vocabulary is larger than every matrix, before a table of its size is made.

    Raises:
        CheckpointError: naming the size.
    """
    if not {_prefixed(name) for name in tensors} & {SHARED, SOURCE, TARGET, OUTPUT}:
        raise CheckpointError(folder, f"is not the network that it should be: missing tensors [{SHARED}]")
    rows = max((tensor.shape[0] for tensor in tensors.values() if tensor.ndim == 2), default=0)
    for key in ("vocab_size", "decoder_vocab_size"):
        size = config[key]
        if isinstance(size, int) and size > rows:
            raise CheckpointError(
                folder, f"config.json: {key} = {shown(size)}, but no matrix among the weights has so many rows"
            )


def _prefixed(name: str) -> str:
    """The bare MarianModel saves its names without "model."."""
    return name if name.startswith(("model.", "lm_head.")) else f"model.{name}"


def _config(folder: Path, config: Mapping[str, Any], **choices: Any) -> TransformerConfig:
    for name, value in _fixed(choices["norm_first"]).items():
        if config.get(name, value) != value:
            raise CheckpointError(folder, f"config.json: {name} = {shown(config[name])}; only {value!r} is supported")
    for part in ("attention_heads", "ffn_dim"):
        encoder, decoder = f"encoder_{part}", f"decoder_{part}"
        if config[encoder] != config[decoder]:
            raise CheckpointError(
                folder,
                f"config.json: {encoder} = {shown(config[encoder])}, but {decoder} = {shown(config[decoder])}; "
                "only equal ones are supported",
            )
    fields = {
        "source_vocab_size": config["vocab_size"],
        "target_vocab_size": config["decoder_vocab_size"] or config["vocab_size"],
        "d_model": config["d_model"],
        "num_heads": config["encoder_attention_heads"],
        "encoder_layers": config["encoder_layers"],
        "decoder_layers": config["decoder_layers"],
        "d_ff": config["encoder_ffn_dim"],
        "dropout": config["dropout"],
        "attention_dropout": config["attention_dropout"],
        "activation_dropout": config["activation_dropout"],
        "activation": activation(folder, config["activation_function"]),
        "max_positions": config["max_position_embeddings"],
        "scale_embeddings": config["scale_embedding"],
        "pad_id": config["pad_token_id"],
        "bos_id": config["decoder_start_token_id"],
        "eos_id": config["eos_token_id"],
        **choices,
    }
    try:
        return TransformerConfig.parse(fields, "config.json")
    except RecipeError as error:
        raise CheckpointError(folder, str(error)) from None


def _positions(folder: Path, config: Mapping[str, Any], tensors: dict[str, Tensor]) -> str:
    """The kind of positions; a file that has tables of what is computed loses them here.

    Raises:
        CheckpointError: if the tables are no sinusoids where the class has no others.
    """
    tables = {name: tensors.pop(name) for name in POSITIONS.values() if name in tensors}
    for kind, layout in (("sinusoidal_halves", "halves"), ("sinusoidal", "interleaved")):
        if all(t.dim() == 2 and _is_sinusoidal(t, layout) for t in tables.values()):
            return kind
    if config["model_type"] != "pegasus":
        raise CheckpointError(folder, "embed_positions.weight is no table of sinusoids; only those are supported")
    if config.get(POSITIONS_KEY) == "none":
        return "none"
    tensors.update(tables)
    return "learned"


def _is_sinusoidal(weight: Tensor, layout: str) -> bool:
    length, d_model = weight.shape
    # Half precision rounds to 5e-4 just below 1.
    return d_model % 2 == 0 and torch.allclose(weight.float(), sinusoidal_table(length, d_model, layout), atol=1e-3)
