"""Attention maps reduced to what people can read."""

import torch
from torch import Tensor

from patchword.models.evidence import Evidence, EvidenceMap


def word_alignment(evidence: Evidence, layer: int | None = None) -> Tensor:
    """Which source token each target token attended to, averaged over heads.

    Args:
        evidence: of one sentence; its "cross" map is (layer, 1, head, target, source).
        layer: which decoder layer; None averages all.

    Returns:
        (target, source), rows sum to 1.
    """
    maps = evidence["cross"].values
    chosen = maps if layer is None else maps[layer][None]
    return chosen[:, 0].mean(1).mean(0)


def attention_rollout(evidence: Evidence) -> Tensor:
    """How much of each input position reaches each output position (Abnar & Zuidema 2020).

    Per layer the heads are averaged, the residual connection counts as half of the attention, and the layers'
    matrices are multiplied.

    Args:
        evidence: its "encoder" map is (layer, batch, head, token, token).

    Returns:
        (batch, tokens, tokens), rows sum to 1.

    Raises:
        ValueError: if there is no such map: the model is no Transformer.
    """
    if "encoder" not in evidence:
        raise ValueError(f"rollout needs the encoder's attention, and the model has only: {', '.join(evidence)}")
    maps = evidence["encoder"].values
    result: Tensor | None = None
    for weights in maps:
        mean = weights.mean(1)
        mixed = 0.5 * mean + 0.5 * torch.eye(mean.size(-1), device=mean.device)
        result = mixed if result is None else mixed @ result
    assert result is not None
    return result


def read_attention(evidence: Evidence) -> Tensor:
    """What each head of each layer takes from the patches for the tokens that the answer is read from.

    For a class token that alone is read this is its row of the attention; of a model that reads the patches' mean it is
    the mean of their rows.

    Args:
        evidence: its "encoder" map is (layer, batch, head, token, token), of a ViT.

    Returns:
        (layer, batch, head, row, column); what is missing to 1 went to tokens that are no patches.
    """
    found = evidence["encoder"]
    grid, readers = _read(found)
    rows = torch.einsum("q,lbhqk->lbhk", readers, found.values)
    return rows[..., -grid[0] * grid[1] :].unflatten(-1, grid)


def read_rollout(evidence: Evidence) -> Tensor:
    """How much of each patch reaches the tokens that the answer is read from, by `attention_rollout`.

    Args:
        evidence: see `read_attention`.

    Returns:
        (batch, row, column), each summing to 1.
    """
    rolled = attention_rollout(evidence)
    grid, readers = _read(evidence["encoder"])
    seen = (readers @ rolled)[:, -grid[0] * grid[1] :]
    return (seen / seen.sum(-1, keepdim=True)).unflatten(-1, grid)


def _read(found: EvidenceMap) -> tuple[tuple[int, int], Tensor]:
    assert found.grid is not None
    assert found.readers is not None
    return found.grid, found.readers
