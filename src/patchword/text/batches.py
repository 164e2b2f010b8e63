"""Length-bucketed batches on a token budget."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class TokenBatch:
    """Padded ids: source (batch, source), target (batch, target) from the start token to the end token."""

    source: Tensor
    target: Tensor


def pad(rows: Sequence[Sequence[int]], pad_id: int) -> Tensor:
    """Rows of ids as one tensor (rows, longest), short ones filled with pad_id at the end."""
    longest = max(len(row) for row in rows)
    return torch.tensor([[*row, *[pad_id] * (longest - len(row))] for row in rows])


def length_buckets(
    source_lengths: Sequence[int], target_lengths: Sequence[int], max_tokens: int, generator: torch.Generator
) -> list[list[int]]:
    """Group pairs of like length, in random order, so that little of a batch is padding.

    Args:
        source_lengths: tokens of each source, the end token included.
        target_lengths: tokens of each target, start and end included.
        max_tokens: rows times the longest side of a batch is at most this; a longer pair is a batch of its own.
        generator: of the order.

    Returns:
        indices of the pairs in each batch.
    """
    order = torch.randperm(len(source_lengths), generator=generator).tolist()
    # Python's sort is stable, so pairs of the same lengths stay in random order.
    order.sort(key=lambda i: (target_lengths[i], source_lengths[i]))
    batches: list[list[int]] = []
    current: list[int] = []
    longest = 0
    for index in order:
        length = max(longest, source_lengths[index], target_lengths[index])
        if current and length * (len(current) + 1) > max_tokens:
            batches.append(current)
            current, length = [], max(source_lengths[index], target_lengths[index])
        current.append(index)
        longest = length
    batches.append(current)
    return [batches[i] for i in torch.randperm(len(batches), generator=generator).tolist()]
