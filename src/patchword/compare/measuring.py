"""Time and memory of a computation on the processor."""

import contextlib
import os
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


def seconds(
    compute: Callable[[], Any], least: float = 0.2, rounds: int = 5, most: float = 2.0, warm: bool = False
) -> float:
    """What one call takes, undisturbed: the least of several rounds, since other programs only ever add.

    With one thread it is the time that the processor spent on it, not the time that passed beside other programs.

    Args:
        compute: what is timed, after one call that is not timed.
        least: seconds that a round lasts at least, of as many calls as that needs.
        rounds: how many.
        most: seconds after which two rounds are enough, since what takes long is disturbed by less of itself.
        warm: whether it was called already, so that the first call can be timed.
    """
    clock = time.thread_time if torch.get_num_threads() == 1 else time.perf_counter
    if not warm:
        compute()
    best, calls, spent = float("inf"), 1, 0.0
    for done in range(rounds):
        if done >= 2 and spent > most:
            break
        start = clock()
        for _ in range(calls):
            compute()
        taken = clock() - start
        best, spent = min(best, taken / calls), spent + taken
        calls = max(1, round(least / best))
    return best


@contextlib.contextmanager
def all_cores() -> Iterator[int]:
    """As many threads as there are cores, and then as it was; a claim that uses it is `alone`."""
    before = torch.get_num_threads()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    torch.set_num_threads(cores)
    try:
        yield cores
    finally:
        torch.set_num_threads(before)


def peak_bytes(compute: Callable[[], Any]) -> int:
    """The most bytes of tensors that a computation makes and holds at one time; what a kernel uses inside is its own.

    Counted tensor by tensor, so that it is the same on every machine and needs no device.
    """
    with _Memory() as memory:
        compute()
    return memory.peak


class _Memory(TorchDispatchMode):
    """Follows the memory of every tensor that is made until nobody holds it."""

    def __init__(self) -> None:
        super().__init__()
        self.held = self.peak = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Note what one operation makes."""
        result = func(*args, **(kwargs or {}))
        given = {_place(leaf) for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)}
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor) and _place(leaf) not in given | self._known:
                storage = leaf.untyped_storage()
                self._known.add(_place(leaf))
                self.held += storage.nbytes()
                weakref.finalize(storage, self._gone, _place(leaf), storage.nbytes())
        self.peak = max(self.peak, self.held)
        return result

    def _gone(self, place: int, size: int) -> None:
        self._known.discard(place)
        self.held -= size


def _place(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata
