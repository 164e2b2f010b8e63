"""Texts as the ids that a translator's network reads, and why some cannot be read."""

import re
from collections.abc import Iterable, Sequence

from patchword.errors import DataError
from patchword.text.options import MOST_TOKENS
from patchword.text.vocabulary import Vocabulary

_SURROGATE = re.compile("[\ud800-\udfff]")
_LONGEST_PIECE = 64  # characters; in a text of so many times the limit there must be too many tokens


def as_texts(texts: str | Iterable[str]) -> list[str]:
    """One text or several as a list.

    Raises:
        TypeError: if one is none.
    """
    several = [texts] if isinstance(texts, str) else list(texts)
    for text in several:
        if not isinstance(text, str):
            raise TypeError(f"a text is a str, or several are a list of them; found {type(text).__name__}")
    return several


def source_ids(vocabulary: Vocabulary, texts: Sequence[str]) -> list[list[int]]:
    """Ids of each text; none of an empty one, and of one that is far too long only so many that this is seen.

    Raises:
        DataError: if a text holds half a surrogate pair, which is no character.
    """
    most = _LONGEST_PIECE * (MOST_TOKENS + 1)
    shown = [vocabulary.normalised(text.strip()[:most]).strip() for text in texts]
    try:
        rows = vocabulary.encode_source(shown)
        return [row if text else [] for text, row in zip(shown, rows, strict=True)]
    except (UnicodeEncodeError, TypeError):  # which of them depends on SentencePiece's version
        check_characters(texts)
        raise


def target_ids(vocabulary: Vocabulary, target: str | Sequence[int]) -> list[int]:
    """Ids of a given translation, as text, or as ids already, without the start token.

    Raises:
        ValueError: a clause that says what is wrong with it.
    """
    if isinstance(target, str):
        check_characters([target])
        return vocabulary.encode_target([target.strip()])[0][1:]
    ids = list(target)
    if not ids:
        raise ValueError("has a target without tokens")
    for token in ids:
        if not 0 <= token < vocabulary.target_size or token in (vocabulary.pad_id, vocabulary.bos_id):
            last = vocabulary.target_size - 1
            raise ValueError(
                f"has the target id {token}; expected 0 to {last:,}, and neither padding nor the start token"
            )
    return ids


def check_characters(texts: Sequence[str]) -> None:
    """See that all of the texts are characters.

    Raises:
        DataError: if one holds half a surrogate pair.
    """
    for number, text in enumerate(texts, start=1):
        if lone := _SURROGATE.search(text):
            code, place = f"U+{ord(lone[0]):04X}", lone.start() + 1
            problem = f"character {place} is half a surrogate pair, {code}, which is no text"
            raise DataError(f"text {number}", problem)


def too_long(ids: Sequence[int], longest: int) -> str | None:
    """Why these ids are too many, a clause; None if they are not."""
    if len(ids) <= longest:
        return None
    return f"has {len(ids):,} tokens or more; at most {longest:,} are translated at once: cut it into sentences"
