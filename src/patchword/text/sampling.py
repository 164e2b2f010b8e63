"""The next token: what may follow, and drawing it."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from patchword.errors import NotFiniteError

COLD = 1e-6  # a temperature below it leaves nothing to chance


def next_log_probabilities(logits: Tensor, config: Any, renormalise: bool, last: Tensor) -> Tensor:
    """Natural logarithm of the next token's probability, for the tokens that may follow.

    Args:
        logits: (rows, vocab); changed in place.
        config: the model's; its padding and start tokens never follow.
        renormalise: whether the probabilities of the others sum to 1.
        last: (sentences,), True where the limit leaves room for the end token alone; rows is a multiple of sentences.

    Returns:
        (rows, vocab), float32, -inf at what cannot follow.
    """
    never = [config.pad_id, config.bos_id]
    if renormalise:
        logits[:, never] = -torch.inf
    values = logits.float().log_softmax(-1)
    values[:, never] = -torch.inf
    if last.any():
        rows = last.repeat_interleave(values.size(0) // last.size(0))
        values[rows] = -torch.inf
        values[rows, config.eos_id] = 0.0
    return values


def choose_token(
    log_probability: Tensor, temperature: float, top_k: int, top_p: float, generators: Sequence[torch.Generator]
) -> Tensor:
    """Sample one token a row.

    Every sentence draws from its own generator, one number a row, so what it gets does not depend on its neighbours.

    Args:
        log_probability: (rows, vocab).
        temperature: divides the logits; below `COLD` the likeliest token is taken.
        top_k: keep the k likeliest tokens; 0 keeps all.
        top_p: then keep the fewest tokens whose probabilities reach this sum (Holtzman et al. 2020, section 3.1).
        generators: one a sentence, on the CPU; rows is a multiple of their number.

    Returns:
        (rows,) ids.

    Raises:
        NotFiniteError: if a log-probability is not a number.
    """
    if temperature < COLD:
        if log_probability.isnan().any():
            raise _not_finite()
        return log_probability.argmax(-1)
    scaled = log_probability / temperature
    if 0 < top_k < scaled.size(1):
        least = scaled.topk(top_k).values[:, -1:]
        scaled = scaled.masked_fill(scaled < least, -torch.inf)
    probability = scaled.softmax(-1)
    if top_p < 1.0:
        ordered, order = probability.sort(dim=-1, descending=True)
        # A token is out if those before it already reach top_p; so the likeliest always stays.
        out = ordered.cumsum(-1) - ordered >= top_p
        out[:, 0] = False  # even where top_p is 0 in the tensor's precision
        ordered = ordered.masked_fill(out, 0.0)
        probability = torch.zeros_like(probability).scatter(1, order, ordered)
    if not probability.isfinite().all():
        raise _not_finite()
    samples = probability.size(0) // len(generators)
    drawn = torch.cat([torch.rand(samples, dtype=torch.float64, generator=one) for one in generators])
    sums = probability.double().cumsum(-1)
    total = sums[:, -1:]
    # Below the total, however it is rounded, so that a token without probability is never drawn.
    place = torch.minimum(drawn.to(sums.device)[:, None] * total, total.nextafter(torch.zeros_like(total)))
    return torch.searchsorted(sums, place, right=True)[:, 0]


def _not_finite() -> NotFiniteError:
    return NotFiniteError("the network's logits are infinite or not numbers; its weights are damaged or too large")
