"""The likeliest next tokens of every hypothesis, which is all that greedy and beam search read of a step's logits."""

from typing import Any

import torch
from torch import Tensor

from patchword.models.contracts import SequenceToSequence


def likeliest(
    model: SequenceToSequence, tokens: Tensor, state: Any, count: int, renormalise: bool, last: Tensor
) -> tuple[Tensor, Tensor, Any]:
    """One decoding step.

    Args:
        model: in evaluation mode.
        tokens: the newest token of each hypothesis, (rows,).
        state: from the model's `start` or the previous step.
        count: how many tokens to find for each row.
        renormalise: whether the probabilities of the tokens that may follow sum to 1.
        last: (sentences,), True where the limit leaves room for the end token alone.

    Returns:
        log-probabilities (rows, count), largest first; the tokens (rows, count); the state. The first are float64:
        sums over a long sentence then have no rounding of their own.
    """
    config = model.config
    (values, token), state = model.likeliest(tokens, state, count, (config.pad_id, config.bos_id), renormalise)
    if last.any():
        rows = last.repeat_interleave(values.size(0) // last.size(0))
        values[rows] = -torch.inf
        values[rows, 0] = 0.0
        token[rows, 0] = config.eos_id
    return values.double(), token, state
