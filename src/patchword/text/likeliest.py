"""The likeliest next tokens of every hypothesis, which is all that greedy and beam search read of a step's logits."""

from typing import Any

import torch
from torch import Tensor

from patchword.models.contracts import SequenceToSequence


def likeliest(
    model: SequenceToSequence,
    tokens: Tensor,
    state: Any,
    count: int,
    renormalise: bool,
    last: Tensor,
    forced: Tensor | None = None,
) -> tuple[Tensor, Tensor, Any]:
    """One decoding step.

    Args:
        model: in evaluation mode.
        tokens: the newest token of each hypothesis, (rows,).
        state: from the model's `start` or the previous step.
        count: how many tokens to find for each row.
        renormalise: whether the probabilities of the tokens that may follow sum to 1.
        last: (sentences,), True where the limit leaves room for the end token alone.
        forced: (sentences,), the one token that must follow, -1 for any; None if there is none for any sentence.

    Returns:
        log-probabilities (rows, count), largest first; the tokens (rows, count); the state. The first are float64:
        sums over a long sentence then have no rounding of their own.
    """
    config = model.config
    never = (config.pad_id, config.bos_id)
    if forced is None:
        (values, token), state = model.likeliest(tokens, state, count, never, renormalise)
        values = values.double()
    else:
        logits, state = model.decode_step(tokens, state)
        values, token = model.likeliest_of(logits, count, never, renormalise)
        values = values.double()
        wanted = forced.repeat_interleave(logits.size(0) // forced.size(0))
        rows = (wanted >= 0).nonzero()[:, 0]
        values[rows], token[rows] = _only(wanted[rows], logits[rows], values[rows], token[rows])
    if last.any():
        rows = last.repeat_interleave(values.size(0) // last.size(0))
        values[rows] = -torch.inf
        values[rows, 0] = 0.0
        token[rows, 0] = config.eos_id
    return values, token, state


def _only(wanted: Tensor, logits: Tensor, values: Tensor, token: Tensor) -> tuple[Tensor, Tensor]:
    """The wanted token (rows,) as every row's first candidate, and no other.

    Its log-probability is the one that was found, if it is among the likeliest; so a search that is forced to go where
    it would have gone has the same bits. Otherwise it is the likeliest token's, less what the logits differ by.
    """
    found = token == wanted[:, None]
    own, best = (logits.gather(1, ids[:, None])[:, 0].double() for ids in (wanted, token[:, 0]))
    gained = torch.where(found.any(1), values.masked_fill(~found, 0.0).sum(1), values[:, 0] + (own - best))
    alone = torch.full_like(values, -torch.inf)
    alone[:, 0] = gained
    return alone, torch.cat([wanted[:, None], token[:, 1:]], 1)
