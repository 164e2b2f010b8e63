"""Attention of queries to the keys and values of their own sentence."""

from ctypes import byref

import torch
from torch import Tensor

from patchword.engine import native, threads
from patchword.engine.tensors import address


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    count: int,
    counts: Tensor | None = None,
    past: Tensor | None = None,
) -> Tensor:
    """softmax(q K^T) V for every query, heads side by side: (slots * queries, d_model).

    Args:
        query: divided by sqrt(head size), (slots, queries, heads, head_size); a query's heads lie side by side, and
            the queries of all slots one after another.
        key: (slots, heads, entries, head_size), float32 or bfloat16; any strides, but the last dimension's is 1.
        value: as `key`, of the same type, with the same strides.
        count: how many entries are seen; with `past`, how many positions.
        counts: how many entries each slot's queries see, (slots,); None for `count`.
        past: for every query, which of a position's `queries` entries is its own, (slots * queries, positions at
            least); None if a position has one entry.

    Raises:
        ValueError: if these are not the shapes and strides given, or an entry is asked for that is not there.
    """
    slots, queries, heads, head_size = query.shape
    kernels = native.best()
    if kernels is None:
        return _attend_plainly(query, key, value, count, counts, past)
    _check(query, key, value, count, counts, past)
    y = torch.empty(slots * queries, heads * head_size, dtype=torch.float32)
    arguments = native.Attention(
        address(query),
        address(key, key.dtype),
        address(value, key.dtype),
        y.data_ptr(),
        slots,
        queries,
        heads,
        head_size,
        query.stride(1),
        *key.stride()[:3],
        None if counts is None else address(counts, torch.long, (slots,)),
        count,
        None if past is None else address(past, torch.long),
        0 if past is None else past.stride(0),
        native.PRECISIONS.index(str(key.dtype).removeprefix("torch.")),
    )
    kernels.attention(byref(arguments), threads.count())
    return y


def _check(query: Tensor, key: Tensor, value: Tensor, count: int, counts: Tensor | None, past: Tensor | None) -> None:
    """What addresses alone would not tell the kernel."""
    slots, queries, heads, head_size = query.shape
    if key.dtype not in (torch.float32, torch.bfloat16) or key.dtype != value.dtype:
        raise ValueError(f"the engine reads float32 or bfloat16, not keys of {key.dtype} and values of {value.dtype}")
    rows = query.stride(0) == queries * query.stride(1) or slots == 1
    if not rows or (query.stride(2) != head_size and heads > 1):
        raise ValueError(f"queries of strides {query.stride()} do not lie one after another")
    if key.shape != (slots, heads, key.size(2), head_size) or key.shape != value.shape:
        raise ValueError(f"keys {tuple(key.shape)} and values {tuple(value.shape)} for queries {tuple(query.shape)}")
    if key.stride() != value.stride():
        raise ValueError(f"keys of strides {key.stride()}, values of strides {value.stride()}")
    if not 0 <= count * (1 if past is None else queries) <= key.size(2):
        raise ValueError(f"{count} entries of {key.size(2)} asked for")
    if counts is not None and counts.numel() and not 0 <= int(counts.min()) <= int(counts.max()) <= count:
        raise ValueError(f"counts from {int(counts.min())} to {int(counts.max())} for {count} entries")
    if past is not None:
        if past.dim() != 2 or past.size(0) != slots * queries or past.size(1) < count:
            raise ValueError(f"a past of {tuple(past.shape)} for {slots * queries} queries and {count} positions")
        own = past[:, :count]
        if own.numel() and not 0 <= int(own.min()) <= int(own.max()) < queries:
            raise ValueError(f"a past of entries {int(own.min())} to {int(own.max())} of {queries}")


def _attend_plainly(
    query: Tensor, key: Tensor, value: Tensor, count: int, counts: Tensor | None, past: Tensor | None
) -> Tensor:
    slots, queries, heads, head_size = query.shape
    entries = count if past is None else count * queries
    key, value = key[:, :, :entries].float(), value[:, :, :entries].float()
    scores = query.transpose(1, 2) @ key.transpose(2, 3)
    if counts is not None:
        hidden = torch.arange(count) >= counts[:, None]
        scores.masked_fill_(hidden[:, None, None], -torch.inf)
    if past is not None:
        own = torch.arange(count) * queries + past[:, :count]
        seen = torch.zeros(slots, queries, entries, dtype=torch.bool)
        scores.masked_fill_(~seen.scatter_(2, own.view(slots, queries, count), True)[:, None], -torch.inf)
    attended = scores.softmax(-1) @ value
    if counts is not None and not counts.all():  # who sees nothing attends to nothing, as in the kernels
        attended[counts == 0] = 0.0
    return attended.transpose(1, 2).reshape(slots * queries, heads * head_size)
