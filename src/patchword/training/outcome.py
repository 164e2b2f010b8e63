"""What became of a run."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        step: updates made.
        best: the best validation score, None if there was no validation.
        signal: number of the signal that stopped the run, None if it came to its end.
        task: what the model is for.
        model: the folder of the best model.
        rank: number of this process among those that trained it; the first, 0, has written it.
    """

    step: int
    best: float | None
    signal: int | None
    task: str
    model: Path
    rank: int = 0
