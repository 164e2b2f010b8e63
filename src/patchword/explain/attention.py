"""Attention maps reduced to what people can read."""

import torch
from torch import Tensor

from patchword.models.evidence import Evidence


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


def class_token_map(evidence: Evidence) -> Tensor:
    """Where the class token looked, by rollout.

    Args:
        evidence: of a ViT with a class token first and the patches last.

    Returns:
        (batch, rows, columns), each summing to 1.

    Raises:
        ValueError: if the tokens are the patches alone.
    """
    rows, columns = _grid(evidence)
    seen = attention_rollout(evidence)[:, 0, -rows * columns :]
    return (seen / seen.sum(-1, keepdim=True)).view(-1, rows, columns)


def class_token_heads(evidence: Evidence, layer: int = -1) -> Tensor:
    """What each head of one layer takes from the patches for the class token.

    Args:
        evidence: of a ViT with a class token first and the patches last.
        layer: which encoder layer.

    Returns:
        (batch, heads, rows, columns); what is missing to 1 went to the class token itself and to registers.

    Raises:
        ValueError: if the tokens are the patches alone.
    """
    rows, columns = _grid(evidence)
    return evidence["encoder"].values[layer][:, :, 0, -rows * columns :].unflatten(-1, (rows, columns))


def _grid(evidence: Evidence) -> tuple[int, int]:
    found = evidence["encoder"]
    tokens, grid = found.values.size(-1), found.grid
    assert grid is not None
    if tokens <= grid[0] * grid[1]:
        raise ValueError(f"{tokens} tokens on a grid of {grid[0]} x {grid[1]} patches: the model has no class token")
    return grid
