"""How many threads the calling thread's work is shared out to.

The number is each Python thread's own: nothing here sets one for the process, whose other threads may be computing.
"""

import ctypes
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_OWN = threading.local()
_told = 0  # 0 for nothing


def count() -> int:
    """Threads for one kernel that the calling thread runs: torch's number, unless it computes alone.

    Where nobody has imported torch, what `use` was told, or about as many as torch would take.
    """
    own: int = getattr(_OWN, "count", 0)
    return own or _of_torch()


def alone() -> None:
    """From now on the calling thread computes by itself, in kernels and in torch; for threads that share a batch out.

    `torch.set_num_threads` would not do: threads that are new to torch at that moment would take its number too.
    """
    _OWN.count = 1
    torch = _torch()
    if torch is not None:
        torch.get_num_threads()  # at its first use a thread takes the process's number
        for set_own in _setters(torch.__file__):
            set_own(1)


def each(function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Results in order, of items that each of the threads computes by itself: threads that share a kernel wait for each
    other after each of its hundreds of steps. Any number of callers may do this at once.
    """
    workers = min(count(), len(items))
    if workers < 2:
        yield from map(function, items)
        return
    with ThreadPoolExecutor(workers, initializer=alone) as pool:
        yield from pool.map(function, items)


def _torch() -> Any | None:
    """torch, if it is imported, and wholly so."""
    found = sys.modules.get("torch")
    return found if hasattr(found, "get_num_threads") else None


def use(number: int) -> None:
    """Let this process's kernels compute with so many threads, and torch if it is imported."""
    global _told
    _told = number
    torch = _torch()
    if torch is not None:
        torch.set_num_threads(number)


def _of_torch() -> int:
    torch = _torch()
    found: int = (_told or _cores()) if torch is None else torch.get_num_threads()
    return found


@cache
def _cores() -> int:
    """What OpenMP and MKL take: what they are told, or the cores that this program may use."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        told = os.environ.get(name, "").split(",")[0].strip()
        if told.isdecimal() and int(told) > 0:
            return int(told)
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    # Two threads on one core compute no faster than one; those that share a core name the same ones.
    return len({_siblings(processor) for processor in os.sched_getaffinity(0)})


def _siblings(processor: int) -> str:
    place = Path(f"/sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list")
    try:
        return place.read_text()
    except OSError:
        return str(processor)


@cache
def _setters(torch: str) -> list[Callable[[int], None]]:
    """What sets the calling thread's number in the libraries that torch, whose file this is, was built with.

    Where they are others, torch shares out its operations within such threads too, which is slower and no less right.
    """
    found: list[Callable[[int], None]] = []
    for path in sorted((Path(torch).parent / "lib").glob("libtorch_cpu.*")):
        try:
            library = ctypes.CDLL(str(path))  # torch has loaded it; a name is looked up in what it needs as well
        except OSError:
            continue
        for name in ("omp_set_num_threads", "MKL_Set_Num_Threads_Local"):
            function = getattr(library, name, None)
            if function is not None:
                function.argtypes = [ctypes.c_int]
                found.append(function)
    return found


def _after_fork() -> None:
    """A forked child has none of its parent's threads, and torch would wait for them for ever; so it has one, and
    children that share work out do not each take all cores.
    """
    if count() > 1:
        use(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
