"""What search needs from a sequence-to-sequence model, whichever it is."""

from typing import Any, Protocol

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


class SequenceToSequence(Protocol):
    """`encode` once, then `decode_step` once a token; search never asks which model it has."""

    @property
    def config(self) -> Any:
        """Has pad_id, bos_id, eos_id and target_vocab_size."""

    def encode(self, source: Tensor) -> Any:
        """Source ids (batch, source) to the memory that decoding attends to."""

    def start(self, memory: Any, source: Tensor) -> StepState:
        """The state before the first target token."""

    def decode_step(self, tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Last tokens (rows,) to the next token's logits (rows, vocab) and the state after them."""
