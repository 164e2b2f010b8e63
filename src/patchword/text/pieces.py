"""One language's side of a vocabulary: SentencePiece's pieces, and their ids."""

from collections.abc import Collection, Sequence
from typing import Protocol

from sentencepiece import SentencePieceProcessor


class Side(Protocol):
    """Text to ids without special tokens, and back."""

    @property
    def size(self) -> int:
        """Number of ids."""

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each text."""

    def decode(self, ids: Sequence[int], special: Collection[int]) -> str:
        """Text of ids; special ones are passed over."""

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """What each id stands for; "▁" marks a word's beginning."""


class OwnIds:
    """SentencePiece's own ids.

    Args:
        processor: a loaded SentencePiece model.
    """

    def __init__(self, processor: SentencePieceProcessor) -> None:
        self._processor = processor

    @property
    def size(self) -> int:
        """See `Side`."""
        return int(self._processor.get_piece_size())

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """See `Side`."""
        ids: list[list[int]] = self._processor.encode(list(texts))
        return ids

    def decode(self, ids: Sequence[int], special: Collection[int]) -> str:
        """See `Side`."""
        text: str = self._processor.decode([int(i) for i in ids if i not in special])
        return text

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """See `Side`."""
        return [self._processor.id_to_piece(int(i)) for i in ids]


class TableIds:
    """Ids from a table of their own: Marian's checkpoints, as transformers' MarianTokenizer reads them.

    A text that begins with a language code such as ">>deu<<" gives that code as one piece; SentencePiece sees the rest.
    Special tokens written out in a text, such as "</s>", are text.

    Args:
        segmenting: the SentencePiece model that cuts texts into pieces.
        joining: the one that joins pieces into text.
        table: pieces by id; None at ids that no piece has.
        unknown_id: of every piece that the table lacks.
    """

    def __init__(
        self,
        segmenting: SentencePieceProcessor,
        joining: SentencePieceProcessor,
        table: Sequence[str | None],
        unknown_id: int,
    ) -> None:
        self._segmenting, self._joining = segmenting, joining
        self._table = table
        self._unknown_id = unknown_id
        self._ids = {piece: i for i, piece in enumerate(table) if piece is not None}

    @property
    def size(self) -> int:
        """See `Side`."""
        return len(self._table)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """See `Side`."""
        codes, rests = zip(*map(_language_code, texts), strict=True) if texts else ((), ())
        rows = self._segmenting.encode(list(rests), out_type=str)
        return [
            [self._ids.get(piece, self._unknown_id) for piece in (*code, *row)]
            for code, row in zip(codes, rows, strict=True)
        ]

    def decode(self, ids: Sequence[int], special: Collection[int]) -> str:
        """See `Side`; nor is the unknown token shown, or an id without a piece."""
        kept = (self._table[i] for i in ids if i not in special and i != self._unknown_id)
        text: str = self._joining.decode_pieces([piece for piece in kept if piece is not None])
        return text.replace("▁", " ").strip()

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """See `Side`; empty for an id without a piece."""
        return [self._table[i] or "" for i in ids]


def _language_code(text: str) -> tuple[list[str], str]:
    """A code at the beginning, if there is one, and the rest."""
    if not text.startswith(">>") or "<<" not in text:
        return [], text
    code, end, rest = text.partition("<<")
    return [code + end], rest
