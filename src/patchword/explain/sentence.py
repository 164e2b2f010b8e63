"""A translator's part of the explanation: one sentence, its translation, and where each of its words comes from."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from patchword.errors import DataError, clipped, one_line
from patchword.explain.aligner import reading_of
from patchword.explain.alignment import Reading, links_of, pharaoh, spread, word_weights
from patchword.explain.beam_tree import beam_tree
from patchword.explain.explanation import explanation_of
from patchword.explain.packing import packed
from patchword.explain.words import Word, piece_words, places
from patchword.text.attended import AttendedPair
from patchword.text.translator import Translator

MOST_TOKENS = 512  # of a side: maps grow by the square of it
WEIGHED = 5
_CELLS = 2**22  # numbers of a kind of maps, above which the heads are averaged: a page is to stay small


@explanation_of.register
def explained_sentence(
    system: Translator, given: Any, walk: bool, *, target_ids: Sequence[int] | None = None, **options: Any
) -> dict[str, Any]:
    """See `explanation.explanation_of`.

    Args:
        system: the translator.
        given: a text that is not empty.
        walk: whether to have the network's steps too.
        target_ids: explain this translation, which the network is made to write, instead of searching for one.
        options: search options by name.

    Raises:
        TypeError: if what is given is no text.
        DataError: if it is empty or has more than `MOST_TOKENS` tokens, or `target_ids` are no translation.
        RecipeError: if a search option does not exist or is out of its range.
    """
    if not isinstance(given, str):
        raise TypeError(f"a translator explains a text, a str; found {type(given).__name__}")
    options = {"max_length": MOST_TOKENS, **options}
    chosen = system.options.changed(options, "explain")
    vocabulary = system.vocabulary
    if not vocabulary.normalised(given).strip():
        raise DataError("the text", "is empty: there is nothing to explain")
    _check_length(len(vocabulary.encode_source([vocabulary.normalised(given.strip())])[0]))
    notes: list[str] = []
    tree: list[dict[str, Any]] = []
    if target_ids is None:
        found = system.searched(given, chosen)
        tokens, score, text = list(found.tokens), found.translation.score, found.translation.text
        tree, note = beam_tree(found.record, vocabulary)
        notes += note
    else:
        tokens = list(target_ids)
        if not tokens:
            raise DataError("the translation", "has no tokens; expected those of a sentence")
        _check_length(len(tokens))
    ended = bool(tokens) and tokens[-1] == vocabulary.eos_id
    # One step more where the translation was cut: the one that reads its last token.
    pair = system.forced([given], [tokens if ended else [*tokens, vocabulary.eos_id]], likeliest=WEIGHED)[0]
    if target_ids is not None:
        total = sum(pair.log_probabilities[: len(tokens)])
        score, text = total / chosen.penalty(len(tokens)), vocabulary.decode_target(tokens)
    source_words = piece_words(pair.source_pieces, True)
    target_words = piece_words(pair.target_pieces[: len(tokens)], ended)
    maps, note = _maps(pair, len(tokens))
    notes += note
    body: dict[str, Any] = {
        "source": given,
        "translation": text,
        "score": score,
        "source_pieces": list(pair.source_pieces),
        "source_ids": list(pair.source_ids),
        "target_pieces": list(pair.target_pieces[: len(tokens)]),
        "target_ids": tokens,
        "source_words": _listed(source_words),
        "target_words": _listed(target_words),
        "maps": maps,
        "alignment": _alignment(
            system, pair, source_words[:-1], target_words[: len(target_words) - ended], (given, text)
        ),
        "weighed": _weighed(pair, system, len(tokens)),
        "chosen": [_probability(value) for value in pair.log_probabilities[: len(tokens)]],
        "tree": {"nodes": tree},
    }
    parts: dict[str, Any] = {
        "model": {"languages": list(system.languages)},
        "title": one_line(f"{clipped(given.strip())} → {clipped(text)}"),
        "notes": notes,
        "text": body,
    }
    if walk:
        from patchword.explain.walk import walk_of_text

        parts["walk"] = walk_of_text(system, pair.source_ids, tokens, pair.source_pieces, body["target_pieces"])
    return parts


def _check_length(count: int) -> None:
    if count > MOST_TOKENS:
        raise DataError(
            "the text", f"has {count:,} tokens; at most {MOST_TOKENS} are explained at once: cut it into sentences"
        )


def _listed(words: Sequence[Word]) -> list[list[Any]]:
    return [[word.first, word.end, word.text] for word in words]


def _maps(pair: AttendedPair, steps: int) -> tuple[dict[str, Any], list[str]]:
    """Packed maps by name, and sentences about what is not in them."""
    found, notes = {}, []
    for name in ("cross", "encoder", "decoder"):
        if name not in pair.evidence:
            continue
        kind = pair.evidence[name]
        values = _steps(kind.values[:, 0], kind.axes, steps)
        if values.numel() > _CELLS:
            values = values.mean(1, keepdim=True)
            notes.append(f"the heads of the {name} maps are averaged, since the sentence has so many pieces")
        found[name] = packed(values, ("layer", "head", *kind.axes[3:]))
    return found, notes


def _steps(values: Tensor, axes: Sequence[str], steps: int) -> Tensor:
    """A map (layer, head, ..., ...) without a step more than the translation has tokens."""
    for dimension, axis in enumerate(axes[3:], 2):
        if axis == "target":
            values = values.narrow(dimension, 0, min(steps, values.size(dimension)))
    return values


def _alignment(
    system: Translator,
    pair: AttendedPair,
    source: Sequence[Word],
    target: Sequence[Word],
    texts: tuple[str, str],
) -> dict[str, Any]:
    """How words are linked: "links" between the words of pieces, "pharaoh" between those of the two texts."""
    cross = pair.evidence["cross"].values[:, 0]
    reading, error = reading_of(system)
    links = links_of(word_weights(cross, reading, source, target), reading.both)
    return {
        "links": [list(link) for link in links],
        "pharaoh": pharaoh(spread(links, places(source, texts[0]), places(target, texts[1]))),
        "reading": reading.as_dict(),
        "error": error,
        "sentence": _sentence(reading, error, cross.size(0)),
    }


def _sentence(reading: Reading, error: float | None, layers: int) -> dict[str, str]:
    told = reading.told(layers)
    if error is None:
        return {
            "en": f"Links are read from {told['en']}; how often that errs was not measured for this model.",
            "zh": f"对应关系取自{told['zh']}；对此模型尚未测量其错误率。",
        }
    return {
        "en": f"Links are read from {told['en']}; measured on phrases with known links, their error is {error:.1f} %.",
        "zh": f"对应关系取自{told['zh']}；在已知对应关系的短语上测得的错误率为 {error:.1f} %。",
    }


def _weighed(pair: AttendedPair, system: Translator, steps: int) -> list[list[dict[str, Any]]]:
    found = []
    for candidates in pair.likeliest[:steps]:
        pieces = system.vocabulary.target_pieces([token for token, _ in candidates])
        found.append(
            [
                {"piece": piece, "id": token, "probability": _probability(value)}
                for piece, (token, value) in zip(pieces, candidates, strict=True)
            ]
        )
    return found


def _probability(log_probability: float) -> float:
    return round(float(torch.tensor(log_probability, dtype=torch.float64).exp()), 6)
