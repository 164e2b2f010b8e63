"""The likeliest next tokens of every hypothesis, which is all that greedy and beam search read of a step's logits."""

import numpy
from numpy import float64

from patchword.text.steps import Flags, Ids, Steps, Values


def likeliest(
    steps: Steps, tokens: Ids, count: int, renormalise: bool, last: Flags, forced: Ids | None = None
) -> tuple[Values, Ids]:
    """One decoding step.

    Args:
        steps: of the batch.
        tokens: the newest token of each hypothesis, (rows,).
        count: how many tokens to find for each row.
        renormalise: whether the probabilities of the tokens that may follow sum to 1.
        last: (sentences,), True where the limit leaves room for the end token alone.
        forced: (sentences,), the one token that must follow, -1 for any; None if there is none for any sentence.

    Returns:
        log-probabilities (rows, count), largest first; the tokens (rows, count). The first are float64: sums over a
        long sentence then have no rounding of their own.
    """
    config = steps.config
    never = (config.pad_id, config.bos_id)
    if forced is None:
        found, token = steps.likeliest(tokens, count, never, renormalise)
        values = found.astype(float64)
    else:
        wanted = forced.repeat(len(tokens) // len(forced))
        found, token, less = steps.likeliest_beside(tokens, wanted, count, never, renormalise)
        values = found.astype(float64)
        rows = wanted >= 0
        values[rows], token[rows] = _only(wanted[rows], less[rows], values[rows], token[rows])
    if last.any():
        rows = last.repeat(len(values) // len(last))
        values[rows] = -numpy.inf
        values[rows, 0] = 0.0
        token[rows, 0] = config.eos_id
    return values, token


def _only(wanted: Ids, less: Values, values: Values, token: Ids) -> tuple[Values, Ids]:
    """The wanted token (rows,) as every row's first candidate, and no other.

    Its log-probability is the one that was found, if it is among the likeliest; so a search that is forced to go where
    it would have gone has the same bits. Otherwise it is the likeliest token's, less what the logits differ by.
    """
    found = token == wanted[:, None]
    alone = numpy.full_like(values, -numpy.inf)
    alone[:, 0] = numpy.where(found.any(1), numpy.where(found, values, 0.0).sum(1), values[:, 0] + less)
    return alone, numpy.concatenate([wanted[:, None], token[:, 1:]], 1)
