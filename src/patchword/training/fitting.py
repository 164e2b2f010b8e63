"""Batches that do not fit in memory, at the same mathematics."""

import gc
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields, replace
from typing import Any

import torch
from torch import nn

from patchword.nn.convolution import BatchNorm
from patchword.nn.recomputation import recomputed
from patchword.training.events import Listener, Note
from patchword.training.state import random_states, restore_random_states


class Fitting:
    """How much of a batch is computed at once: all of it, until that is seen not to fit.

    Gradients are sums over items, so a batch can be computed in pieces whose gradients add up to its own. Where a batch
    norm looks at all rows at once it is not divided; there each block's inside is computed anew in the backward pass.

    Args:
        model: that trains.
        size_key: the recipe's key that bounds a batch.
        tell: hears that batches are computed otherwise from now on.
    """

    def __init__(self, model: Any, size_key: str, tell: Listener) -> None:
        self._model, self._size_key, self._tell = model, size_key, tell
        self._whole = any(isinstance(each, BatchNorm) for each in model.modules())
        self._most: int | None = None  # numbers of a piece
        self._recomputes = False
        self._tried: tuple[int, int] | None = None  # rows and numbers of the piece in work

    def pieces(self, tensors: Any) -> Iterator[Any]:
        """A loaded batch in as few parts as fit; each has rows from all over it, so none has the long alone."""
        rows, size = _rows(tensors), _size(tensors)
        parts = 1 if self._most is None else min(rows, -(-size // self._most))
        for part in range(parts):
            piece = _every(tensors, part, parts)
            self._tried = _rows(piece), _size(piece)
            yield piece
        self._tried = None

    def computing(self) -> AbstractContextManager[None]:
        """Around the forward pass of a piece."""
        return recomputed(self._model.blocks()) if self._recomputes else nullcontext()

    def lessen(self) -> bool:
        """Take less memory from now on, after the piece in work did not fit; whether that can be done."""
        tried, self._tried = self._tried, None
        if tried is None:  # it was not the batch
            return False
        rows, size = tried
        if self._whole:
            if self._recomputes or not self._model.blocks():
                return False
            self._recomputes, how = True, "the inside of blocks is computed twice from now on"
        elif rows == 1:
            return False
        else:
            self._most, how = size // 2, "such batches are computed in pieces from now on"
        self._tell(
            Note(
                f"a batch does not fit in memory: {how}, with the same gradients (a lower {self._size_key} would need "
                "less)"
            )
        )
        return True


class Before:
    """What an update changes before it is complete, to begin it again.

    Args:
        model: that trains.
    """

    def __init__(self, model: nn.Module) -> None:
        self._buffers = list(model.buffers())
        self._values = [buffer.clone() for buffer in self._buffers]
        self._random = random_states()

    def restore(self, optimizer: torch.optim.Optimizer) -> None:
        """As it was, without gradients, and with the memory that was taken given back."""
        optimizer.zero_grad(set_to_none=True)
        with torch.no_grad():
            for buffer, value in zip(self._buffers, self._values, strict=True):
                buffer.copy_(value)
        restore_random_states(self._random)
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _rows(tensors: Any) -> int:
    return len(getattr(tensors, fields(tensors)[0].name))


def _size(tensors: Any) -> int:
    return sum(getattr(tensors, each.name).numel() for each in fields(tensors))


def _every(tensors: Any, part: int, parts: int) -> Any:
    if parts == 1:
        return tensors
    return replace(tensors, **{each.name: getattr(tensors, each.name)[part::parts] for each in fields(tensors)})
