"""The packed output projection: logits, or only the likeliest tokens with their log-probabilities."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from patchword.engine.products import Precision, product

BLOCK = 64  # tokens whose largest logit stands for them while the likeliest are sought


class Likeliest(NamedTuple):
    """The likeliest next tokens of every row, likeliest first, both (rows, count)."""

    log_probability: Tensor
    token: Tensor


class PackedOutput(nn.Module):
    """`nn.embeddings.OutputProjection` with packed weights.

    Args:
        weight: (vocab_size, d_model).
        bias: (vocab_size,), or None.
        precision: of the products.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, precision: Precision) -> None:
        super().__init__()
        self.vocab_size = weight.size(0)
        # Whole blocks; what is added can never be chosen.
        extra = -self.vocab_size % BLOCK
        if extra:
            weight = F.pad(weight.detach(), (0, 0, 0, extra))
        bias = weight.new_zeros(self.vocab_size) if bias is None else bias.detach()
        bias = F.pad(bias, (0, extra), value=-torch.inf)
        self.product = product(weight, bias, precision)

    def forward(self, hidden: Tensor) -> Tensor:
        """Hidden states (rows, d_model) to logits (rows, vocab_size)."""
        logits: Tensor = self.product(hidden)
        return logits[:, : self.vocab_size]

    def likeliest(self, hidden: Tensor, count: int, never: Sequence[int], renormalise: bool = True) -> Likeliest:
        """The likeliest tokens of every row.

        Args:
            hidden: (rows, d_model).
            count: how many; at most the vocabulary's size.
            never: tokens that must not be generated.
            renormalise: whether the probabilities of the others sum to 1.
        """
        logits: Tensor = self.product(hidden)
        blocks = logits.view(logits.size(0), -1, BLOCK)
        if renormalise:
            _exclude(logits, never)
        largest = blocks.amax(-1)
        # The largest probability is exp(0) / sum, which gives the sum without a pass of its own over the vocabulary.
        normaliser = largest.amax(-1, keepdim=True) - logits.softmax(-1).amax(-1, keepdim=True).log_()
        if not renormalise:
            _exclude(logits, never)
            largest = blocks.amax(-1)
        # The `count` likeliest tokens are in the `count` blocks with the largest maxima.
        chosen = largest.topk(min(count, largest.size(1)), dim=1).indices
        found = blocks.gather(1, chosen[:, :, None].expand(-1, -1, BLOCK)).flatten(1)
        value, place = found.topk(count, dim=1)
        token = chosen.gather(1, place // BLOCK) * BLOCK + place % BLOCK
        return Likeliest(value - normaliser, token)


def _exclude(logits: Tensor, tokens: Sequence[int]) -> None:
    for token in tokens:
        logits.select(1, token).fill_(-torch.inf)
