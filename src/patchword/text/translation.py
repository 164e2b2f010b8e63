"""What a translator answers."""

from dataclasses import dataclass
from html import escape

from patchword.text.beam_record import BeamRecord

LONG = 256  # tokens; what has more is no sentence, and models that learned from sentences leave parts of it out


@dataclass(frozen=True)
class Alternative:
    """One of a sentence's translations; `score` is its log-probability over the length penalty, nearer 0 is better."""

    text: str
    score: float


@dataclass(frozen=True)
class Translation:
    """A sentence's translation.

    Attributes:
        source: the text as given.
        text: the best translation; empty for an empty source, and where there is an error.
        score: of the best translation.
        alternatives: the n best, the best included.
        source_tokens: how many tokens the source has, the end token included; 0 for an empty one.
        error: why it cannot be translated, such as that it is too long; None if it was.
    """

    source: str
    text: str
    score: float
    alternatives: tuple[Alternative, ...]
    source_tokens: int = 0
    error: str | None = None

    @property
    def is_long(self) -> bool:
        """Whether the source is longer than sentences are, so that parts of it may be missing."""
        return self.source_tokens > LONG

    def __str__(self) -> str:
        return self.text if self.error is None else f"[{self.error}]"

    def _repr_html_(self) -> str:
        rows = [f"<td>{a.score:.3f}</td><td>{escape(a.text)}</td>" for a in self.alternatives]
        rows = rows or [f"<td></td><td><em>{escape(self.error or 'nothing to translate')}</em></td>"]
        found = "".join(f"<tr>{row}</tr>" for row in rows)
        return f"<table><tr><th>score</th><th>{escape(self.source)}</th></tr>{found}</table>"


@dataclass(frozen=True)
class Searched:
    """A sentence's translation with what its search weighed.

    Attributes:
        translation: the result.
        tokens: ids of the best translation; the last is the end token unless the limit came first.
        record: all that was considered, step by step; of greedy search and sampling what was taken.
    """

    translation: Translation
    tokens: tuple[int, ...]
    record: BeamRecord
