"""Less memory for more time: a block's inside is computed anew in the backward pass (Chen et al. 2016)."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

from torch import nn
from torch.utils.checkpoint import checkpoint

from patchword.nn.convolution import BatchNorm


@contextmanager
def recomputed(blocks: Sequence[nn.Module]) -> Iterator[None]:
    """Keep nothing but what goes into and comes out of blocks in the forward passes of this context.

    Results and gradients are the same bit for bit: dropout draws the same numbers again, and running statistics of
    batch norms move once.

    Args:
        blocks: modules of tensors to a tensor, none inside another.
    """

    def contexts(block: nn.Module) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _resting([each for each in block.modules() if isinstance(each, BatchNorm)])

    for block in blocks:
        again = partial(checkpoint, block.forward, use_reentrant=False, context_fn=partial(contexts, block))
        block.forward = again
    try:
        yield
    finally:
        for block in blocks:
            del block.forward


@contextmanager
def _resting(norms: Sequence[BatchNorm]) -> Iterator[None]:
    """Running statistics stay as they are."""
    for norm in norms:
        norm.resting = True
    try:
        yield
    finally:
        for norm in norms:
            norm.resting = False
