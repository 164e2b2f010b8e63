"""Attention maps reduced to what people can read."""

import torch
from torch import Tensor

from patchword.nn.trace import AttentionTrace


def word_alignment(trace: AttentionTrace, layer: int | None = None) -> Tensor:
    """Which source token each target token attended to, averaged over heads.

    Args:
        trace: of one sentence; its "cross" maps are (1, heads, target, source).
        layer: which decoder layer; None averages all.

    Returns:
        (target, source), rows sum to 1.
    """
    maps = trace["cross"] if layer is None else [trace["cross"][layer]]
    return torch.stack([weights[0].mean(0) for weights in maps]).mean(0)


def attention_rollout(trace: AttentionTrace) -> Tensor:
    """How much of each input position reaches each output position (Abnar & Zuidema 2020).

    Per layer the heads are averaged, the residual connection counts as half of the attention, and the layers'
    matrices are multiplied.

    Args:
        trace: its "encoder" maps are (batch, heads, tokens, tokens).

    Returns:
        (batch, tokens, tokens), rows sum to 1.
    """
    result: Tensor | None = None
    for weights in trace["encoder"]:
        mean = weights.mean(1)
        mixed = 0.5 * mean + 0.5 * torch.eye(mean.size(-1), device=mean.device)
        result = mixed if result is None else mixed @ result
    if result is None:
        raise ValueError("the trace has no encoder maps; pass it to a model first")
    return result


def class_token_map(trace: AttentionTrace, grid: tuple[int, int]) -> Tensor:
    """Where the class token looked, by rollout.

    Args:
        trace: of a ViT with a class token first and the patches last.
        grid: rows and columns of patches.

    Returns:
        (batch, rows, columns), each summing to 1.

    Raises:
        ValueError: if the tokens are the patches alone.
    """
    rows, columns = _checked(trace, grid)
    seen = attention_rollout(trace)[:, 0, -rows * columns :]
    return (seen / seen.sum(-1, keepdim=True)).view(-1, rows, columns)


def class_token_heads(trace: AttentionTrace, grid: tuple[int, int], layer: int = -1) -> Tensor:
    """What each head of one layer takes from the patches for the class token.

    Args:
        trace: of a ViT with a class token first and the patches last.
        grid: rows and columns of patches.
        layer: which encoder layer.

    Returns:
        (batch, heads, rows, columns); what is missing to 1 went to the class token itself and to registers.

    Raises:
        ValueError: if the tokens are the patches alone.
    """
    rows, columns = _checked(trace, grid)
    return trace["encoder"][layer][:, :, 0, -rows * columns :].unflatten(-1, (rows, columns))


def _checked(trace: AttentionTrace, grid: tuple[int, int]) -> tuple[int, int]:
    tokens = trace["encoder"][0].size(-1)
    if tokens <= grid[0] * grid[1]:
        raise ValueError(f"{tokens} tokens on a grid of {grid[0]} x {grid[1]} patches: the model has no class token")
    return grid
