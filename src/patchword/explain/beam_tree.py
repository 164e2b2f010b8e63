"""What a beam search weighed, as JSON."""

import math
from typing import Any

from patchword.text.beam_record import BeamRecord
from patchword.text.vocabulary import Vocabulary

MOST_NODES = 4000  # above which those that the search dropped at once are left out: nothing follows them


def beam_tree(record: BeamRecord, vocabulary: Vocabulary) -> tuple[list[dict[str, Any]], list[str]]:
    """The record's nodes, a parent before its children, and sentences about what is left out.

    Args:
        record: of a search of one sentence; empty of one that is no beam search.
        vocabulary: whose target tokens it has.

    Returns:
        nodes with "parent" (an index, or -1), "id", "piece", "probability" (of the token), "score" (the sum of the
        log-probabilities), "step" and "state" ("best", "finished", "kept" or "dropped"); and the sentences.
    """
    nodes, notes = list(enumerate(record.nodes)), []
    if len(nodes) > MOST_NODES:
        nodes = [(index, node) for index, node in nodes if node.state != "dropped"]
        notes.append("the beam's tree is shown without the tokens that were dropped at once, since it is so large")
    places = {-1: -1} | {index: place for place, (index, _) in enumerate(nodes)}
    pieces = vocabulary.target_pieces([node.token for _, node in nodes])
    return [
        {
            "parent": places[node.parent],
            "id": node.token,
            "piece": piece,
            "probability": round(math.exp(node.log_probability), 6),
            "score": round(node.score, 5),
            "step": node.step,
            "state": node.state,
        }
        for piece, (_, node) in zip(pieces, nodes, strict=True)
    ], notes
