"""How well source positions match a decoder state: additive attention (Bahdanau et al. 2015) and multiplicative
attention (Luong et al. 2015).
"""

import math
from abc import abstractmethod
from typing import ClassVar, Literal

from torch import Tensor, nn

from patchword.nn.initialisation import normal
from patchword.nn.trace import AttentionTrace

Score = Literal["additive", "dot", "general"]


class Alignment(nn.Module):
    """A score of each source annotation h_s for each decoder state h_t. What is of the source alone is `keys`, computed
    once a sentence.

    Attributes:
        name: what the score is called in a trace.
    """

    name: ClassVar[str]

    @abstractmethod
    def keys(self, memory: Tensor) -> Tensor:
        """(batch, source, hidden_size) to (batch, source, key_size)."""

    @abstractmethod
    def scores(self, query: Tensor, keys: Tensor) -> Tensor:
        """(batch, target, hidden_size) and keys to (batch, target, source)."""

    def forward(
        self, query: Tensor, keys: Tensor, memory: Tensor, mask: Tensor, trace: AttentionTrace | None = None
    ) -> tuple[Tensor, Tensor]:
        """Alignment a_t(s) = softmax_s(score(h_t, h_s)) and context c_t = sum_s a_t(s) h_s.

        Args:
            query: decoder states, (batch, target, hidden_size).
            keys: from `keys`.
            memory: annotations, (batch, source, hidden_size).
            mask: (batch, source), True at real tokens.
            trace: is told scores, alignments and contexts.

        Returns:
            contexts (batch, target, hidden_size) and alignments (batch, target, source).
        """
        scores = self.scores(query, keys)
        weights = scores.masked_fill(~mask[:, None], -math.inf).softmax(-1)
        context = weights @ memory
        if trace is not None:
            trace.note(self.name, ("batch", "position", "memory"), scores)
            trace.note("alignment", ("batch", "position", "memory"), weights)
            trace.note("context", ("batch", "position", "channel"), context)
        return context, weights


class AdditiveAlignment(Alignment):
    """score(h_t, h_s) = v_a^T tanh(W_a h_t + U_a h_s) (Bahdanau et al. 2015, section A.1.2; Luong's "concat").

    Bahdanau scores before a step, with h_{t-1}; here, as in Luong et al. 2015, after it, with h_t.

    Args:
        hidden_size: width of h_t and h_s.
    """

    name = "additive_scores"

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.query = nn.Linear(hidden_size, hidden_size, bias=False)
        self.key = nn.Linear(hidden_size, hidden_size, bias=False)
        self.vector = nn.Parameter(normal(hidden_size, std=hidden_size**-0.5))
        nn.init.xavier_uniform_(self.query.weight)
        nn.init.xavier_uniform_(self.key.weight)

    def keys(self, memory: Tensor) -> Tensor:
        """U_a h_s."""
        return self.key(memory)

    def scores(self, query: Tensor, keys: Tensor) -> Tensor:
        """See `Alignment.scores`."""
        return (self.query(query)[:, :, None] + keys[:, None]).tanh() @ self.vector


class DotAlignment(Alignment):
    """score(h_t, h_s) = h_t^T h_s (Luong et al. 2015, equation 8)."""

    name = "dot_scores"

    def keys(self, memory: Tensor) -> Tensor:
        """h_s."""
        return memory

    def scores(self, query: Tensor, keys: Tensor) -> Tensor:
        """See `Alignment.scores`."""
        return query @ keys.transpose(1, 2)


class GeneralAlignment(DotAlignment):
    """score(h_t, h_s) = h_t^T W_a h_s (Luong et al. 2015, equation 8).

    Args:
        hidden_size: width of h_t and h_s.
    """

    name = "general_scores"

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.key = nn.Linear(hidden_size, hidden_size, bias=False)
        nn.init.xavier_uniform_(self.key.weight)

    def keys(self, memory: Tensor) -> Tensor:
        """W_a h_s."""
        return self.key(memory)


def alignment(score: Score, hidden_size: int) -> Alignment:
    """The alignment of a name."""
    if score == "dot":
        return DotAlignment()
    return AdditiveAlignment(hidden_size) if score == "additive" else GeneralAlignment(hidden_size)
