"""A text's pieces in their order: which are translated, and how they are put together again."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from patchword.text.clauses import clauses
from patchword.text.encoding import source_ids
from patchword.text.language import said
from patchword.text.sentences import LINE_ENDS, Piece, is_wide, sentences
from patchword.text.vocabulary import Vocabulary

_WITHOUT_BLANKS = frozenset(("zh", "ja", "yue", "wuu", "lzh"))
_BLANKS = " \u00a0\u3000"
_SHOWN = 40  # characters of a sentence that a note shows


class Layout(NamedTuple):
    """A text's pieces.

    Attributes:
        pieces: put together they are the text.
        spoken: of each piece, whether it is translated; one without a letter or a digit stays as it is.
        numbers: of each piece, which sentence of the text it is of, counted from 1.
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
            text.add(piece.blank, next(rest) if spoken else piece.text)
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
    found = []
    for pieces in whole:
        parts: list[Piece] = []
        numbers: list[int] = []
        notes = []
        for number, (piece, tokens) in enumerate(zip(pieces, islice(counts, len(pieces)), strict=True), start=1):
            own = [piece] if tokens <= most else _cut(piece, clauses(piece.text, most, count))
            if len(own) > 1:
                notes.append(_note(number, piece.text, most, len(own)))
            parts += own
            numbers += [number] * len(own)
        spoken = [any(map(str.isalnum, piece.text)) for piece in parts]
        found.append(Layout(parts, spoken, numbers, tuple(notes)))
    return found


def _cut(piece: Piece, parts: Sequence[Piece]) -> list[Piece]:
    return [Piece(piece.blank + parts[0].blank, parts[0].text), *parts[1:]]


def _note(number: int, text: str, most: int, parts: int) -> str:
    shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
    return f'sentence {number:,} has more than {most:,} tokens and was translated in {parts:,} parts: "{shown}"'


class Joined:
    """A text that grows piece by piece.

    Around lines white space stays as it was. Within a line it follows the language: none where sentences have none
    between them, and a blank where the source had none because its script needs none.

    Args:
        language: of the text.
    """

    def __init__(self, language: str) -> None:
        self._known = said(language) is not None
        self._wide = language.lower().partition("-")[0].partition("_")[0] in _WITHOUT_BLANKS
        self._parts: list[str] = []
        self._last = ""  # character

    def add(self, blank: str, part: str) -> None:
        """Put a piece behind the others."""
        blank = self._between(blank, part)
        self._parts += [blank, part]
        self._last = (part or blank)[-1:] or self._last

    def with_part(self, blank: str, part: str) -> str:
        """The text if a piece were put behind it."""
        return f"{self}{self._between(blank, part)}{part}"

    def __str__(self) -> str:
        self._parts = ["".join(self._parts)]
        return self._parts[0]

    def _between(self, blank: str, part: str) -> str:
        if not self._last or not part or self._last.isspace() or any(c in LINE_ENDS for c in blank):
            return blank
        wide = self._wide if self._known else is_wide(self._last) and is_wide(part[0])
        return blank.strip(_BLANKS) if wide else blank or " "
