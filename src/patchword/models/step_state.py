"""What one decoding step hands to the next."""

from typing import Protocol

from torch import Tensor


class StepState(Protocol):
    """What one decoding step hands to the next."""

    @property
    def length(self) -> int:
        """Number of target positions decoded so far."""

    @property
    def sentences(self) -> int:
        """Number of sentences still being decoded."""

    def select(self, sentences: Tensor | None, parents: Tensor) -> None:
        """Keep some sentences (None: all), and as hypotheses the continuations of the rows `parents`."""
