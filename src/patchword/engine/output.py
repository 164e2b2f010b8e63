"""The packed output projection: logits, or only the likeliest tokens with their log-probabilities."""

import ctypes
from collections.abc import Sequence
from ctypes import byref
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from patchword.engine import native, threads
from patchword.engine.precision import Precision
from patchword.engine.products import PackedProduct, product
from patchword.engine.tensors import address

FEW = 64  # tokens of a row that are found while its logits are computed


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

    def forward(self, hidden: Tensor) -> Tensor:
        """Hidden states (rows, d_model) to logits (rows, vocab_size)."""
        logits: Tensor = self.product(hidden)
        return logits

    def likeliest(self, hidden: Tensor, count: int, never: Sequence[int], renormalise: bool = True) -> Likeliest:
        """The likeliest tokens of every row of hidden states, (rows, d_model); see `likeliest_of`.

        The values are those of `likeliest_of(self(hidden), ...)`, bit for bit, and no logits are kept.
        """
        kernels = native.best()
        if kernels is None or count > FEW:
            return self.likeliest_of(self(hidden), count, never, renormalise)
        self._check(count, never)
        hidden = hidden.contiguous()
        rows, projection = hidden.size(0), cast(PackedProduct, self.product)
        place = address(hidden, shape=(rows, projection.in_features))
        found, arguments = self._arguments(None, rows, count, never, renormalise)
        kernels.project_likeliest(byref(projection.arguments), place, byref(arguments), threads.count())
        return found

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
        self._check(count, never)
        kernels = native.best()
        if kernels is None:
            return _likeliest_plainly(logits, count, never, renormalise)
        found, arguments = self._arguments(address(logits), logits.size(0), count, never, renormalise)
        kernels.likeliest(byref(arguments), threads.count())
        return found

    def _check(self, count: int, never: Sequence[int]) -> None:
        if not 1 <= count <= self.vocab_size:
            raise ValueError(f"{count} likeliest tokens of {self.vocab_size}")
        if any(not 0 <= token < self.vocab_size for token in never):
            raise ValueError(f"tokens {list(never)} of a vocabulary of {self.vocab_size}")

    def _arguments(
        self, logits: int | None, rows: int, count: int, never: Sequence[int], renormalise: bool
    ) -> tuple[Likeliest, Any]:
        value = torch.empty(rows, count, dtype=torch.float32)
        found = Likeliest(value, torch.empty(rows, count, dtype=torch.long))
        excluded = (ctypes.c_int64 * len(never))(*never)
        arguments = native.Likeliest(
            logits, rows, self.vocab_size, count, ctypes.addressof(excluded), len(never), renormalise,
            found.log_probability.data_ptr(), found.token.data_ptr(),
        )  # fmt: skip
        arguments.excluded = excluded  # lives as long as they do
        return found, arguments


def _likeliest_plainly(logits: Tensor, count: int, never: Sequence[int], renormalise: bool) -> Likeliest:
    excluded = logits.index_fill(1, torch.tensor(never, dtype=torch.long), -torch.inf)
    value, token = excluded.topk(count, dim=1)
    return Likeliest(value - (excluded if renormalise else logits).logsumexp(1, keepdim=True), token)
