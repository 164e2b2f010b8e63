"""The vocabulary of a Marian checkpoint: SentencePiece cuts and joins, vocab.json gives the ids."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sentencepiece import SentencePieceProcessor

from patchword.checkpoints.json_file import read_bytes
from patchword.checkpoints.vocabulary_files import PieceTable, VocabularyFiles
from patchword.converters.settings import Settings, is_there, read_json
from patchword.errors import CheckpointError, DataError, RecipeError, shown

SOURCE_MODEL, TARGET_MODEL = "source.spm", "target.spm"
SOURCE_IDS, TARGET_IDS = "vocab.json", "target_vocab.json"


def read_vocabulary(folder: Path, config: Mapping[str, Any], tokenizer: Mapping[str, Any]) -> VocabularyFiles:
    """The files of the folder as those of a model folder.

    Args:
        folder: of the checkpoint.
        config: config.json, completed by its defaults.
        tokenizer: tokenizer_config.json.

    Raises:
        CheckpointError: if a file is missing or damaged, or does not fit the network.
    """
    separate = bool(tokenizer.get("separate_vocabs", False))
    wanted = [SOURCE_MODEL, TARGET_MODEL, SOURCE_IDS, *([TARGET_IDS] if separate else [])]
    missing = [name for name in wanted if not (folder / name).is_file()]
    if missing:
        raise CheckpointError(folder, f"the vocabulary is not whole: {' and '.join(missing)} missing")
    settings = Settings(folder / "config.json", config)
    source_size = settings.whole("vocab_size", least=1)
    target_size = settings.whole("decoder_vocab_size", source_size, least=1)
    ids = _read_ids(folder / SOURCE_IDS, source_size)
    special = {name: _special(folder, ids, tokenizer, f"{name}_token", f"<{name}>") for name in ("unk", "pad")}
    special["eos"] = _special(folder, ids, tokenizer, "eos_token", "</s>")
    for name in ("pad", "eos"):
        if special[name] != config[f"{name}_token_id"]:
            raise CheckpointError(
                folder,
                f"{SOURCE_IDS} has {special[name]} for the {name} token, "
                f"config.json {shown(config[f'{name}_token_id'])}",
            )
    target_ids = _read_ids(folder / TARGET_IDS, target_size) if separate else None
    if target_ids is not None:
        for name, default in (("unk_token", "<unk>"), ("eos_token", "</s>")):
            if _special(folder, target_ids, tokenizer, name, default) != special[name.removesuffix("_token")]:
                raise CheckpointError(folder / TARGET_IDS, f"its {name} has another id than in {SOURCE_IDS}")
    elif target_size != source_size:
        raise CheckpointError(
            folder,
            f"decoder_vocab_size = {target_size} is not vocab_size = {source_size}, but tokenizer_config.json "
            "does not say separate_vocabs",
        )
    pieces = {
        "source": _by_id(ids, source_size),
        "target": None if target_ids is None else _by_id(target_ids, target_size),
        "pad_id": special["pad"],
        "unknown_id": special["unk"],
        "bos_id": config["decoder_start_token_id"],
        "eos_id": special["eos"],
    }
    try:
        table = PieceTable.parse(pieces, "config.json")
    except RecipeError as error:
        raise CheckpointError(folder, str(error)) from None
    return VocabularyFiles(_read_model(folder / SOURCE_MODEL), _read_model(folder / TARGET_MODEL), table)


def added_tokens(folder: Path, tokenizer: Mapping[str, Any]) -> list[str]:
    """What MarianTokenizer would cut out of a text whole and we cut as any other word, a sentence.

    Special tokens and language codes are not among them.

    Args:
        folder: of the checkpoint.
        tokenizer: tokenizer_config.json.

    Raises:
        CheckpointError: if a file cannot be read.
    """
    named: dict[str, list[str]] = {}
    for name in ("added_tokens.json", "tokenizer.json", "special_tokens_map.json"):
        if is_there(folder / name):
            values = read_json(folder / name)
            key = "added_tokens" if name == "tokenizer.json" else "additional_special_tokens"
            named[name] = _contents(list(values) if name == "added_tokens.json" else values.get(key))
    keys = ("added_tokens_decoder", "additional_special_tokens", "extra_special_tokens")
    named["tokenizer_config.json"] = _contents([tokenizer.get(key) for key in keys])
    special = _contents([tokenizer.get(f"{key}_token") or default for key, default in _SPECIAL.items()])
    notes = []
    arguments = tokenizer.get("sp_model_kwargs")
    if arguments:
        notes.append(f"tokenizer_config.json: sp_model_kwargs = {shown(arguments)} is left out: a text is cut one way")
    for name, tokens in named.items():
        others = [t for t in tokens if t not in special and not (t.startswith(">>") and t.endswith("<<"))]
        if others:
            some = ", ".join(shown(token) for token in others[:3])
            notes.append(
                f"{name} adds tokens, {some}{' and others' * (len(others) > 3)}: they are left out, and cut in a text "
                "as any other word"
            )
    return notes


_SPECIAL = {"unk": "<unk>", "pad": "<pad>", "eos": "</s>", "bos": "<s>"}


def _contents(values: Any) -> list[str]:
    """The tokens in lists and dictionaries of them, as the several versions of tokenizers write them."""
    if isinstance(values, str):
        return [values]
    if isinstance(values, dict):
        values = [values["content"]] if isinstance(values.get("content"), str) else list(values.values())
    found = [_contents(value) for value in values] if isinstance(values, list) else []
    return list(dict.fromkeys(token for tokens in found for token in tokens))


def written_vocabulary(files: VocabularyFiles) -> dict[str, bytes | dict[str, int]]:
    """The reverse: the files of a model folder as MarianTokenizer's; the values of the .json files as mappings."""
    target = files.source if files.target is None else files.target
    models: dict[str, bytes | dict[str, int]] = {SOURCE_MODEL: files.source, TARGET_MODEL: target}
    if files.pieces is None:
        models[SOURCE_IDS] = _own_ids(files.source)
        return models if files.target is None else {**models, TARGET_IDS: _own_ids(files.target)}
    models[SOURCE_IDS] = _by_piece(files.pieces.source)
    return models if files.pieces.target is None else {**models, TARGET_IDS: _by_piece(files.pieces.target)}


def _read_model(path: Path) -> bytes:
    try:
        data = read_bytes(path)
        SentencePieceProcessor(model_proto=data)
    except (RuntimeError, OSError, ValueError, DataError):
        raise CheckpointError(path, "truncated or not a SentencePiece model") from None
    return data


def _read_ids(path: Path, size: int) -> dict[str, int]:
    ids = read_json(path)
    for piece, index in ids.items():
        if type(index) is not int or not 0 <= index < size:
            raise CheckpointError(
                path, f"piece {shown(piece)} has the id {shown(index)}; expected a number below {size}"
            )
    if len(set(ids.values())) != len(ids):
        raise CheckpointError(path, "two pieces have the same id")
    return ids


def _special(folder: Path, ids: Mapping[str, int], tokenizer: Mapping[str, Any], key: str, default: str) -> int:
    token = tokenizer.get(key) or default
    token = token.get("content") if isinstance(token, dict) else token
    if not isinstance(token, str) or token not in ids:
        raise CheckpointError(folder, f"{SOURCE_IDS} has no {shown(token)}, the {key.removesuffix('_token')} token")
    return ids[token]


def _by_id(ids: Mapping[str, int], size: int) -> list[str | None]:
    pieces: list[str | None] = [None] * size
    for piece, index in ids.items():
        pieces[index] = piece
    return pieces


def _by_piece(pieces: tuple[str | None, ...]) -> dict[str, int]:
    return {piece: index for index, piece in enumerate(pieces) if piece is not None}


def _own_ids(model: bytes) -> dict[str, int]:
    processor = SentencePieceProcessor(model_proto=model)
    return {processor.id_to_piece(i): i for i in range(processor.get_piece_size())}
