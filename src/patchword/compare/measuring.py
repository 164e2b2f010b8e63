"""Time of a computation on the processor."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch


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
