"""A text's pieces in their order: which are translated, and how they are put together again."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from patchword.text.clauses import Count, clauses
from patchword.text.encoding import source_ids
from patchword.text.language import said
from patchword.text.sentences import LINE_ENDS, Piece, is_wide, sentences
from patchword.text.vocabulary import Vocabulary

_WITHOUT_BLANKS = frozenset(("zh", "ja", "yue", "wuu", "lzh"))
_BLANKS = " \u00a0\u3000"
_NEAR = 4  # characters on either side of a border that tell its script, quotes and brackets among them
_SHOWN = 40  # characters of a sentence that a note shows


class Layout(NamedTuple):
    """A text's pieces.

    Attributes:
        pieces: put together they are the text.
        spoken: of each piece, whether it is translated; one without a letter or a digit stays as it is.
        numbers: of each translated piece, which sentence of the text it is of, counted from 1.
        notes: which sentences were cut into several pieces, and why, a sentence each.
    """

    pieces: list[Piece]
    spoken: list[bool]
    numbers: list[int]
    notes: tuple[str, ...]

    def joined(self, parts: Iterable[str], language: str) -> str:
        """The pieces in the order of the text, the translated ones exchanged for `parts`."""
        text, rest = Joined(language), iter(parts)
        for piece, spoken in zip(self.pieces, self.spoken, strict=True):
            text.add(piece, next(rest) if spoken else piece.text)
        return str(text)


def layouts(vocabulary: Vocabulary, texts: Sequence[str], language: str, most: int) -> list[Layout]:
    """Sentences of texts, those of too many tokens in parts.

    Args:
        vocabulary: which counts the tokens.
        texts: any.
        language: that they are in.
        most: tokens of a piece, the end token included.
    """

    def count(parts: Sequence[str]) -> list[int]:
        return [len(ids) for ids in source_ids(vocabulary, parts)]

    whole = [sentences(text, language) for text in texts]
    counts = iter(count([piece.text for pieces in whole for piece in pieces]))
    return [_layout(pieces, islice(counts, len(pieces)), most, count) for pieces in whole]


def _layout(pieces: Sequence[Piece], counts: Iterable[int], most: int, count: Count) -> Layout:
    parts: list[Piece] = []
    spoken: list[bool] = []
    numbers: list[int] = []
    notes = []
    for piece, tokens in zip(pieces, counts, strict=True):
        own = [piece] if tokens <= most else _cut(piece, clauses(piece.text, most, count))
        said = [any(map(str.isalnum, part.text)) for part in own]
        number = (numbers[-1] if numbers else 0) + 1
        if len(own) > 1 and any(said):
            notes.append(_note(number, piece.text, most, sum(said)))
        parts += own
        spoken += said
        numbers += [number] * sum(said)
    return Layout(parts, spoken, numbers, tuple(notes))


def _cut(piece: Piece, parts: Sequence[Piece]) -> list[Piece]:
    return [Piece(piece.blank + parts[0].blank, parts[0].text), *parts[1:]]


def _note(number: int, text: str, most: int, parts: int) -> str:
    shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
    return f'sentence {number:,} has more than {most:,} tokens and was translated in {parts:,} parts: "{shown}"'


class Joined:
    """A translation that grows piece by piece.

    White space stays as it was, but for what a script asks between sentences: the blanks between them go where the
    translation's script has none and the source's has, and one comes where it is the other way round.

    Args:
        language: of the translation.
    """

    def __init__(self, language: str) -> None:
        self._wide = None if said(language) is None else _base(language) in _WITHOUT_BLANKS
        self._parts: list[str] = []
        self._end = ""  # of the translation, some characters
        self._source = ""  # its end too

    def add(self, piece: Piece, part: str) -> None:
        """Put the translation of a piece behind the others."""
        blank = self._between(piece, part)
        self._parts += [blank, part]
        self._end = (self._end + blank + part)[-_NEAR:]
        self._source = (self._source + piece.blank + piece.text)[-_NEAR:]

    def with_part(self, piece: Piece, part: str) -> str:
        """The text if the translation of a piece, or its beginning, were put behind it."""
        return f"{self}{self._between(piece, part)}{part}"

    def __str__(self) -> str:
        self._parts = ["".join(self._parts)]
        return self._parts[0]

    def _between(self, piece: Piece, part: str) -> str:
        blank, end, source = piece.blank, self._end, piece.text
        if not end or not part or end[-1].isspace() or any(c in LINE_ENDS for c in blank):
            return blank
        # Of the translation no more than the first character, since more of it may not be there yet.
        before, after = _has_wide(end), is_wide(part[0])
        if blank:
            unasked = before and after if self._wide is None else self._wide
            in_source = _has_wide(self._source) and _has_wide(source[:_NEAR])
            return blank.strip(_BLANKS) if unasked and not in_source else blank
        asked = not (before or after if self._wide is None else self._wide)
        return " " if asked and (_has_wide(self._source) or is_wide(source[0])) else ""


def _has_wide(text: str) -> bool:
    return any(map(is_wide, text))


def _base(language: str) -> str:
    return language.lower().partition("-")[0].partition("_")[0]
