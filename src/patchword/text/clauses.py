"""Cutting a sentence that is too long for a model: at clauses, else at blanks, else anywhere."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from itertools import pairwise

from patchword.text.sentences import Piece

# Source tokens of a piece, the end token included: models that learned from sentences lose parts of longer ones.
MOST_PIECE_TOKENS = 200

# What ends a piece at each level: marks between clauses, then any comma, then a blank.
_LEVELS = (
    re.compile(r"[;:…]+[\"'”’»)\]]*(?=\s)|\s[–—-]+(?=\s)|[；：。！？…]+[”’」』）]*|—+"),
    re.compile(r"[,،]+[\"'”’»)\]]*(?=\s)|[，、]"),
    re.compile(r"\s+"),
)
_JOINER = "\u200d"


def clauses(sentence: str, most: int, count: Callable[[Sequence[str]], list[int]]) -> list[Piece]:
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


def _packed(text: str, level: int, most: int, count: Callable[[Sequence[str]], list[int]]) -> list[str]:
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
        elif tokens <= room:
            packed[-1] += unit
            room -= tokens
        else:
            packed.append(unit)
            room = most - tokens
    return packed


def _whole(text: str, end: int) -> int:
    """The place nearest to `end`, not before it, that does not cut a character from what is written over it."""
    while end < len(text) and (
        unicodedata.combining(text[end])
        or unicodedata.category(text[end]) == "Mn"
        or _JOINER in text[end - 1 : end + 1]
    ):
        end += 1
    return end
