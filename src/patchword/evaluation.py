"""What comes out of an evaluation, whatever was evaluated."""

from dataclasses import dataclass
from typing import Any, Protocol


class Scores(Protocol):
    """Figures of one evaluation."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""

    def as_text(self) -> str:
        """All of it for people."""


@dataclass(frozen=True)
class Evaluation:
    """Scores, and what they are of.

    Attributes:
        scores: the figures.
        answers: what the model said to each item, in order; None where it has no text for them.
        skipped: why items were left out.
        notes: sentences that say what was assumed.
    """

    scores: Any
    answers: tuple[str, ...] | None = None
    skipped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
