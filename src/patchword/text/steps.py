"""What search asks of a network: decoding steps of one batch, in arrays of numpy's.

Search itself needs no torch, so it serves networks of torch's (`network_steps`) and those that run without it.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from numpy import bool_, float32, float64, int64
from numpy.typing import NDArray

from patchword.text.options import SearchOptions

Ids = NDArray[int64]
Values = NDArray[float64]
Flags = NDArray[bool_]


class Steps(Protocol):
    """A batch that is being decoded. Every hypothesis has a row; those of a sentence lie together.

    Attributes:
        config: the network's; its `pad_id`, `bos_id`, `eos_id` and `target_vocab_size` are read.
    """

    config: Any

    def likeliest(
        self, tokens: Ids, count: int, never: Sequence[int], renormalise: bool
    ) -> tuple[NDArray[float32], Ids]:
        """One step: the likeliest next tokens of every row.

        Args:
            tokens: the newest token of each row, (rows,).
            count: how many to find.
            never: tokens that must not be generated.
            renormalise: whether the probabilities of the others sum to 1.

        Returns:
            natural logarithms of probabilities, and tokens, both (rows, count), likeliest first.
        """

    def likeliest_beside(
        self, tokens: Ids, wanted: Ids, count: int, never: Sequence[int], renormalise: bool
    ) -> tuple[NDArray[float32], Ids, Values]:
        """The same, with the logit of a wanted token of each row, (rows,), less that of its likeliest, (rows,)."""

    def drawn(
        self, tokens: Ids, options: SearchOptions, last: Flags, forced: Ids | None, sentences: Ids
    ) -> tuple[Values, Ids]:
        """One step of sampling.

        Args:
            tokens: the newest token of each row, (rows,).
            options: how to draw.
            last: (sentences,), True where the limit leaves room for the end token alone.
            forced: (sentences,), the token that must follow, -1 for any; None if there is none.
            sentences: whose rows these are, each with draws of its own.

        Returns:
            natural logarithms of probabilities, and tokens, both (rows,).
        """

    def select(self, sentences: Ids | None, parents: Ids) -> None:
        """Keep some sentences (None: all), and as hypotheses the continuations of the rows `parents`."""
