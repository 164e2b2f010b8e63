"""The packed output projection: logits, or only the likeliest tokens with their log-probabilities."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from patchword.engine import native_vocabulary
from patchword.engine.native_vocabulary import NativeOutput, check_asked
from patchword.engine.precision import Precision
from patchword.engine.products import PackedProduct, product


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
        self.product = product(weight, bias, precision)
        self._native = NativeOutput(self.product.packed) if isinstance(self.product, PackedProduct) else None

    def forward(self, hidden: Tensor) -> Tensor:
        """Hidden states (rows, d_model) to logits (rows, vocab_size)."""
        logits: Tensor = self.product(hidden)
        return logits

    def likeliest(self, hidden: Tensor, count: int, never: Sequence[int], renormalise: bool = True) -> Likeliest:
        """The likeliest tokens of every row of hidden states, (rows, d_model); see `likeliest_of`.

        The values are those of `likeliest_of(self(hidden), ...)`, bit for bit, and no logits are kept.
        """
        if self._native is None:
            return self.likeliest_of(self(hidden), count, never, renormalise)
        array = hidden.detach().contiguous().numpy()
        return tensors(self._native.likeliest(array, count, never, renormalise))

    def likeliest_of(self, logits: Tensor, count: int, never: Sequence[int], renormalise: bool = True) -> Likeliest:
        """The likeliest tokens of every row.

        Args:
            logits: (rows, vocab_size).
            count: how many; at most the vocabulary's size.
            never: tokens that must not be generated.
            renormalise: whether the probabilities of the others sum to 1.

        Raises:
            ValueError: if there are not so many tokens, or no such token.
        """
        if self._native is not None:
            return tensors(self._native.likeliest_of(logits.detach().numpy(), count, never, renormalise))
        check_asked(self.vocab_size, count, never)
        return _likeliest_plainly(logits, count, never, renormalise)


def tensors(found: native_vocabulary.Likeliest) -> Likeliest:
    """What the kernels found, as tensors."""
    return Likeliest(*map(torch.from_numpy, found))


def _likeliest_plainly(logits: Tensor, count: int, never: Sequence[int], renormalise: bool) -> Likeliest:
    excluded = logits.index_fill(1, torch.tensor(never, dtype=torch.long), -torch.inf)
    value, token = excluded.topk(count, dim=1)
    return Likeliest(value - (excluded if renormalise else logits).logsumexp(1, keepdim=True), token)
