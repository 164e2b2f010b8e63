"""Cutting a sentence that is too long for a model: at clauses, else at blanks, else anywhere."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from itertools import pairwise

from patchword.text.sentences import Piece

# What ends a piece at each level: marks between clauses, then any comma, then a blank. A run of marks is tried once,
# from its beginning: a long one that no blank follows would otherwise be tried from each of its characters.
_LEVELS = (
    re.compile(r"(?<![;:…])[;:…]+[\"'”’»)\]]*(?=\s)|\s[–—-]+(?=\s)|[；：。！？…]+[”’」』）]*|—+"),
    re.compile(r"(?<![,،])[,،]+[\"'”’»)\]]*(?=\s)|[，、]"),
    re.compile(r"\s+"),
)
_JOINER = "\u200d"
_MOST_JOINED = 32  # characters that are looked at for the end of one that several are written as

Count = Callable[[Sequence[str]], list[int]]


def clauses(sentence: str, most: int, count: Count) -> list[Piece]:
    """Pieces of a sentence, none of more than `most` tokens if that can be; put together they are the sentence.

    As many clauses as fit stay together.

    Args:
        sentence: without white space around it.
        most: tokens of a piece, the end token included.
        count: tokens of each of some texts, the end token included.
    """
    pieces, done = [], 0
    for part in _packed(sentence, 0, most, count):
        kept = part.strip()
        if kept:
            start = sentence.index(kept, done)
            pieces.append(Piece(sentence[done:start], kept))
            done = start + len(kept)
    return pieces


def _packed(text: str, level: int, most: int, count: Count) -> list[str]:
    """Parts of a text, cut at a level, and those that are still too long at the next; neighbours that fit together."""
    if level < len(_LEVELS):
        ends = [match.end() for match in _LEVELS[level].finditer(text)]
    else:
        size = max(1, most // 4)  # a character is up to four bytes, a token each
        ends = [_whole(text, end) for end in range(size, len(text), size)]
    places = sorted({0, *ends, len(text)})
    units = [text[first:end] for first, end in pairwise(places)]
    packed: list[str] = []
    room = 0
    for unit, tokens in zip(units, count(units), strict=True):
        if tokens > most and level < len(_LEVELS):
            packed += _packed(unit, level + 1, most, count)
            # The rest of a long clause is not begun anew with what follows it.
            room = 0
        elif packed and tokens - 1 <= room:  # it has no end token of its own
            packed[-1] += unit
            room -= max(0, tokens - 1)
        else:
            packed.append(unit)
            room = most - tokens
    return packed


def _whole(text: str, end: int) -> int:
    """The place nearest to `end`, not before it, that does not cut a character from what is written over it.

    In a run that no script writes, longer than `_MOST_JOINED`, it is `end` itself.
    """
    for place in range(end, min(end + _MOST_JOINED, len(text))):
        if not (
            unicodedata.combining(text[place])
            or unicodedata.category(text[place]) == "Mn"
            or _JOINER in text[place - 1 : place + 1]
        ):
            return place
    return end if end + _MOST_JOINED < len(text) else len(text)
