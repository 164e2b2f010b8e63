"""Boolean attention masks: True means that the query may attend to the key."""

import torch
from torch import Tensor


def padding_mask(tokens: Tensor, pad_id: int) -> Tensor:
    """Hide padding from every query.

    Args:
        tokens: token ids, (batch, key).
        pad_id: the id that fills short rows.

    Returns:
        (batch, 1, 1, key), True at real tokens; broadcasts over heads and queries.
    """
    return (tokens != pad_id)[:, None, None, :]


def causal_mask(query: int, key: int, device: torch.device | None = None) -> Tensor:
    """Masked self-attention: a position sees itself and what came before (Vaswani et al. 2017, section 3.2.3).

    Args:
        query: number of queries; they are the last `query` of the `key` positions.
        key: number of keys, at least `query`.
        device: where the mask is made.

    Returns:
        (query, key), True where key position <= query position.
    """
    return torch.ones(query, key, dtype=torch.bool, device=device).tril(diagonal=key - query)
