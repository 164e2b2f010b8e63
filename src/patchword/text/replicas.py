"""Batches for decoding, and several of them at once on the CPU."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from patchword.engine import threads
from patchword.text.options import SearchOptions

MAX_SOURCE_TOKENS = 4096  # of a batch, padding included
MAX_ROWS = 128  # hypotheses of a batch; more make no product faster, and take memory
MIN_ROWS = 16  # below this, reading the weights takes most of the time, so that two batches would read them twice

Batch = TypeVar("Batch")
Result = TypeVar("Result")


def cut(lengths: Sequence[int], options: SearchOptions) -> list[slice]:
    """Cut sorted sentences into batches, as many at least as there are threads if each is worth one.

    Batches are of neighbours; if there is one a thread, of every second or third sentence instead.

    Args:
        lengths: source tokens of every sentence, longest first.
        options: of the search; a sentence has as many rows as it has hypotheses.

    Returns:
        slices of the sentences.
    """
    rows = {"beam": options.beam, "greedy": 1, "sample": options.n_best}[options.method]
    replicas = min(threads.count(), max(1, len(lengths) * rows // MIN_ROWS))
    even = -(-len(lengths) // replicas)
    if replicas > 1 and even * rows <= MAX_ROWS and even * lengths[0] <= MAX_SOURCE_TOKENS:
        # One batch a thread: each gets long and short sentences, so that none waits for the one with the long ones.
        return [slice(first, None, replicas) for first in range(replicas)]
    most = max(1, min(MAX_ROWS // rows, even))
    batches, start = [], 0
    while start < len(lengths):
        end = min(start + most, start + max(1, MAX_SOURCE_TOKENS // lengths[start]), len(lengths))
        batches.append(slice(start, end))
        start = end
    return batches


def in_parallel(function: Callable[[Batch], Result], batches: Sequence[Batch], device: Any) -> Iterator[Result]:
    """Results in order; on the CPU every thread decodes batches of its own, see `threads.each`.

    Args:
        function: decodes a batch.
        batches: what to decode.
        device: a `torch.device`; None for the CPU.
    """
    if device is not None and device.type != "cpu":
        yield from map(function, batches)
    else:
        yield from threads.each(function, batches)
