"""generation_config.json of a Marian checkpoint as search options of ours, and back."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from patchword.converters.settings import Settings, is_there, read_json
from patchword.errors import shown
from patchword.models.transformer_config import TransformerConfig
from patchword.text.options import SearchOptions

FILE = "generation_config.json"

# What `generate` does when nothing is said.
_DEFAULTS = {"num_beams": 1, "length_penalty": 1.0, "early_stopping": False, "renormalize_logits": False}

# Settings of `generate` that change what it writes and that our search lacks, and the values at which they do nothing.
WITHOUT_EFFECT: dict[str, Any] = {
    "assistant_early_exit": None,
    "assistant_ensemble_weight": None,
    "begin_suppress_tokens": None,
    "constraints": None,
    "diversity_penalty": 0.0,
    "dola_layers": None,
    "encoder_no_repeat_ngram_size": 0,
    "encoder_repetition_penalty": 1.0,
    "epsilon_cutoff": 0.0,
    "eta_cutoff": 0.0,
    "exponential_decay_length_penalty": None,
    "force_words_ids": None,
    "forced_bos_token_id": None,
    "forced_decoder_ids": None,
    "guidance_scale": 1.0,
    "is_assistant": False,
    "max_time": None,
    "min_length": 0,
    "min_new_tokens": 0,
    "min_p": None,
    "no_repeat_ngram_size": 0,
    "num_beam_groups": 1,
    "penalty_alpha": None,
    "prompt_lookup_num_tokens": None,
    "remove_invalid_values": False,
    "repetition_penalty": 1.0,
    "sequence_bias": None,
    "speculation_type": None,
    "stop_strings": None,
    "suppress_tokens": None,
    "token_healing": False,
    "top_h": None,
    "typical_p": 1.0,
    "use_mtp": False,
    "watermarking_config": None,
}

# Settings that are read, here and in `checkpoint`, beside those of sampling.
READ = frozenset({"num_beams", "num_return_sequences", "do_sample", "max_length", "max_new_tokens", "early_stopping"})
READ |= {"length_penalty", "renormalize_logits", "bad_words_ids", "forced_eos_token_id", "eos_token_id"}
READ |= {"decoder_start_token_id"}

# Settings that change how fast or in what form `generate` answers, not what it writes.
HARMLESS = {"use_cache", "cache_implementation", "cache_config", "max_cache_len", "low_memory", "prefill_chunk_size"}
HARMLESS |= {"output_attentions", "output_hidden_states", "output_scores", "output_logits", "return_dict_in_generate"}
HARMLESS |= {"num_assistant_tokens", "num_assistant_tokens_schedule", "assistant_confidence_threshold"}
HARMLESS |= {"max_matching_ngram_size", "assistant_lookbehind", "target_lookbehind", "compile_config"}
HARMLESS |= {"disable_compile", "continuous_batching_config", "transformers_version", "pad_token_id", "bos_token_id"}

# What sampling reads, and the values that `generate` has without them.
SAMPLING: dict[str, Any] = {"temperature": 1.0, "top_k": 50, "top_p": 1.0}


def generation_settings(folder: Path, config: Mapping[str, Any]) -> Settings:
    """What `generate` goes by: generation_config.json, or config.json in folders from before there was one.

    Args:
        folder: of the checkpoint.
        config: config.json, completed by its defaults.

    Raises:
        CheckpointError: if generation_config.json cannot be read.
    """
    path = folder / FILE
    if is_there(path):
        return Settings(path, read_json(path), _DEFAULTS)
    return Settings(folder / "config.json", config, _DEFAULTS)


def search_options(settings: Settings, config: TransformerConfig) -> tuple[SearchOptions, list[str]]:
    """How `generate` searches by default.

    Where no length is given, the limit is the number of positions, not the 20 tokens of `generate`.

    Args:
        settings: from `generation_settings`.
        config: of the network.

    Returns:
        the options, and a sentence for each setting that our search lacks.

    Raises:
        CheckpointError: if a setting is of another type than it should be.
        RecipeError: if the options make no sense together.
    """
    notes = [
        f"{name} = {shown(settings.get(name))}, an option of generate, is left out: this search does not have it"
        for name, value in WITHOUT_EFFECT.items()
        if settings.get(name, value) != value
    ]
    if settings.path.name == FILE:  # config.json is of much else
        unknown = sorted({*settings} - {*WITHOUT_EFFECT, *READ, *SAMPLING, *HARMLESS})
        notes += [
            f"{shown(name)}, an unknown setting of {FILE}, is left out" for name in unknown if not name.startswith("_")
        ]
    never = {config.pad_id, config.bos_id}
    banned = settings.get("bad_words_ids", [])
    if not banned:
        notes.append(f"nothing keeps padding out of translations (bad_words_ids): {sorted(never)} are left out here")
    elif not isinstance(banned, list) or any(words not in [[token] for token in never] for words in banned):
        notes.append(f"bad_words_ids = {shown(banned)}: only {sorted(never)} are left out of translations")
    ends = settings.get("eos_token_id", config.eos_id)
    if ends not in (config.eos_id, [config.eos_id]):
        notes.append(f"eos_token_id = {shown(ends)}: only {config.eos_id} ends a translation")
    forced = settings.get("forced_eos_token_id")
    if forced not in (None, config.eos_id, [config.eos_id]):
        notes.append(f"forced_eos_token_id = {shown(forced)}: at the limit the end is {config.eos_id} here")
    alpha, early = settings.number("length_penalty"), settings.get("early_stopping")
    if alpha < 0:
        notes.append(f"length_penalty = {alpha} is taken as 0: negative ones are not supported")
    if not isinstance(early, bool):
        notes.append(f"early_stopping = {shown(early)} is taken as false: only true and false are supported")
    # Unlike max_new_tokens, max_length counts the token that decoding starts from.
    limit = settings.whole("max_new_tokens", settings.whole("max_length", config.max_positions + 1, least=1) - 1)
    beams = settings.whole("num_beams", least=1)
    method, more = _method(settings, beams)
    fields = {
        **method,
        "length_penalty": max(alpha, 0.0),
        "length_normalisation": "power",
        "early_stopping": early is True,
        "renormalise": bool(settings.get("renormalize_logits")),
        "forced_end": forced is not None,
        "max_extra": None,
        "max_length": max(1, limit),
    }
    return SearchOptions.parse(fields, "search"), notes + more


def _method(settings: Settings, beams: int) -> tuple[dict[str, Any], list[str]]:
    """Fields of `SearchOptions` that say how many hypotheses there are, and what of the settings is left out."""
    notes = []
    sample = settings.get("do_sample", False)
    returned = settings.whole("num_return_sequences", 1, least=1)
    if not isinstance(sample, bool):
        notes.append(f"do_sample = {shown(sample)} is taken as false: only true and false are supported")
    if sample is True and beams > 1:
        notes.append(f"do_sample = True beside num_beams = {beams} is left out: the beam does not draw")
    elif sample is True:
        drawn = {"temperature": settings.number("temperature", 1.0), "top_p": settings.number("top_p", 1.0)}
        return {"method": "sample", **drawn, "top_k": settings.whole("top_k", 50), "n_best": returned}, notes
    else:
        unused = [name for name, value in SAMPLING.items() if settings.get(name, value) != value]
        if unused:
            notes.append(f"{' and '.join(unused)} ignored: nothing is drawn without do_sample, in generate as here")
    if beams == 1:
        return {"method": "greedy"}, notes
    if returned > beams:
        notes.append(f"num_return_sequences = {returned} is taken as num_beams, {beams}")
    return {"beam": beams, "n_best": min(returned, beams)}, notes


def generation_config(search: SearchOptions, config: TransformerConfig) -> dict[str, Any]:
    """The reverse: what `generate` is to do by default.

    It has neither Wu's length penalty nor a limit by the source's length: alpha becomes the exponent of the length
    itself, and without `max_length` the limit is the number of positions; `untold` says so.

    Args:
        search: how the translator searches.
        config: of the network.
    """
    methods: dict[str, dict[str, Any]] = {
        "greedy": {"num_beams": 1},
        "beam": {
            "num_beams": search.beam,
            "early_stopping": search.early_stopping,
            "length_penalty": search.length_penalty,
            **({"num_return_sequences": search.n_best} if search.n_best > 1 else {}),
        },
        "sample": {
            "num_beams": 1,
            "do_sample": True,
            **{name: getattr(search, name) for name in SAMPLING},
            **({"num_return_sequences": search.n_best} if search.n_best > 1 else {}),
        },
    }
    return {
        "bad_words_ids": [[token] for token in sorted({config.pad_id, config.bos_id})],
        "decoder_start_token_id": config.bos_id,
        "eos_token_id": config.eos_id,
        **({"forced_eos_token_id": config.eos_id} if search.forced_end else {}),
        "max_length": (search.max_length or config.max_positions - 1) + 1,
        **methods[search.method],
        "pad_token_id": config.pad_id,
        "renormalize_logits": search.renormalise,
    }


def untold(search: SearchOptions) -> list[str]:
    """What `generation_config` cannot say, a sentence each."""
    notes = []
    if search.method == "beam" and search.length_normalisation == "wu" and search.length_penalty > 0:
        alpha = search.length_penalty
        notes.append(
            f"generate divides scores by length ** {alpha}; it has no ((5 + length) / 6) ** {alpha}, as this model has"
        )
    if search.max_extra is not None and search.max_length is None:
        notes.append(f"generate has no limit of {search.max_extra} tokens beyond the source's; it has max_length alone")
    return notes
