"""What a search weighed at every step of one sentence: the tree of its hypotheses."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

State = Literal["kept", "finished", "dropped", "best"]


@dataclass
class BeamNode:
    """A token that was considered after a hypothesis.

    Attributes:
        parent: index of the node that it continues; -1 for a sentence's first token.
        token: its id.
        log_probability: natural logarithm of the token's own probability.
        score: the same of all tokens up to it; what the search ranks live hypotheses by.
        step: how many tokens come before it.
        state: "kept" if the search went on with it, "finished" if a hypothesis ends with it, "dropped" if others were
            likelier; "best" on the way of the best hypothesis.
    """

    parent: int
    token: int
    log_probability: float
    score: float
    step: int
    state: State


class BeamRecord:
    """Receives every step of the search of one sentence.

    Attributes:
        nodes: all candidates, step by step, likeliest first; a parent stands before its children.
    """

    def __init__(self) -> None:
        self.nodes: list[BeamNode] = []
        self._rows: list[int] = []  # the node that each live row ends with; -1 before the first token, and without one
        self._step = 0

    def add(
        self,
        parents: Sequence[int],
        tokens: Sequence[int],
        log_probabilities: Sequence[float],
        scores: Sequence[float],
        finished: Sequence[int],
        kept: Sequence[int],
    ) -> None:
        """Note a step; candidates that nothing leads to, with a score of -inf, are passed over.

        Args:
            parents: the live row that each candidate continues.
            tokens: of the candidates, likeliest first.
            log_probabilities: of the tokens.
            scores: of the candidates.
            finished: which candidates end a hypothesis.
            kept: which candidates the next step's rows are, in their order.
        """
        first = len(self.nodes)
        places: dict[int, int] = {}
        ends, stays = set(finished), set(kept)
        for rank, score in enumerate(scores):
            if score > -float("inf"):
                parent = self._rows[parents[rank]] if self._step else -1
                state: State = "finished" if rank in ends else "kept" if rank in stays else "dropped"
                places[rank] = first + len(places)
                node = BeamNode(parent, tokens[rank], log_probabilities[rank], score, self._step, state)
                self.nodes.append(node)
        self._rows = [places.get(rank, -1) for rank in kept]
        self._step += 1

    def end_live(self) -> None:
        """The limit is reached: the live hypotheses count as they are."""
        for row in self._rows:
            if row >= 0:
                self.nodes[row].state = "finished"

    def mark_best(self, tokens: Sequence[int]) -> None:
        """Mark the way of the best hypothesis."""
        places = {-1}
        for step, token in enumerate(tokens):
            places = {
                index
                for index, node in enumerate(self.nodes)
                if node.step == step and node.token == token and node.parent in places and node.state != "dropped"
            }
        place = min(places)
        while place >= 0:
            self.nodes[place].state = "best"
            place = self.nodes[place].parent
