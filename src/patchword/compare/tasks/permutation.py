"""The exact test of what an encoder knows of order."""

import torch

from patchword.compare.tasks.pairs import FIRST
from patchword.models.contracts import SequenceToSequence


def permutation_error(model: SequenceToSequence, generator: torch.Generator, words: int = 9) -> float:
    """How far the memory of permuted words is from the permuted memory, as a share of it, in 64 bits.

    0 but for rounding where order is not seen: attention without positions is equivariant to permutations.

    Args:
        model: in evaluation mode; left in 64 bits.
        generator: of the words and of their order.
        words: in a sequence.
    """
    device = next(model.parameters()).device
    source = torch.randint(FIRST, FIRST + 12, (4, words), generator=generator).to(device)
    order = torch.randperm(words, generator=generator)
    with torch.inference_mode():
        double = model.double()
        memory, permuted = double.encode(source), double.encode(source[:, order])
    return float((permuted - memory[:, order]).norm() / memory.norm())
