"""The likeliest next tokens of every hypothesis, which is all that greedy and beam search read of a step's logits."""

from typing import Any

import torch
from torch import Tensor

from patchword.models.contracts import SequenceToSequence
from patchword.text.sampling import next_log_probabilities


def likeliest(
    model: SequenceToSequence, tokens: Tensor, state: Any, count: int, renormalise: bool, last: Tensor
) -> tuple[Tensor, Tensor, Any]:
    """One decoding step.

    A model may have a faster way to its likeliest tokens, a method of this name; else they are found in its logits.

    Args:
        model: in evaluation mode.
        tokens: the newest token of each hypothesis, (rows,).
        state: from the model's `start` or the previous step.
        count: how many tokens to find for each row.
        renormalise: see `next_log_probabilities`.
        last: see `next_log_probabilities`.

    Returns:
        log-probabilities (rows, count), largest first; the tokens (rows, count); the state. The first are float64:
        sums over a long sentence then have no rounding of their own.
    """
    config = model.config
    fast = getattr(model, "likeliest", None)
    if fast is None:
        logits, state = model.decode_step(tokens, state)
        values, token = next_log_probabilities(logits, config, renormalise, last).topk(count, dim=1)
        return values.double(), token, state
    (values, token), state = fast(tokens, state, count, (config.pad_id, config.bos_id), renormalise)
    if last.any():
        rows = last.repeat_interleave(values.size(0) // last.size(0))
        values[rows] = -torch.inf
        values[rows, 0] = 0.0
        token[rows, 0] = config.eos_id
    return values.double(), token, state
