"""How many threads the calling thread's work is shared out to.

The number is each Python thread's own: nothing here sets one for the process, whose other threads may be computing.
"""

import ctypes
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import torch

from patchword.engine import native

_OWN = threading.local()


def count() -> int:
    """Threads for one kernel that the calling thread runs: torch's number, unless it computes alone."""
    found: int = getattr(_OWN, "count", 0) or torch.get_num_threads()
    return found


def alone() -> None:
    """From now on the calling thread computes by itself, in kernels and in torch; for threads that share a batch out.

    `torch.set_num_threads` would not do: threads that are new to torch at that moment would take its number too.
    """
    _OWN.count = 1
    torch.get_num_threads()  # at its first use a thread takes the process's number
    for set_own in _setters():
        set_own(1)


@contextmanager
def torch_alone() -> Iterator[None]:
    """Within, kernels have the calling thread's number as before, and torch's own operations one thread.

    Between kernels these are small, and a second thread of torch's costs more than it does: beside other programs each
    waits until the system lets both run. Without kernels nothing changes, since torch computes all.
    """
    number, before = count(), getattr(_OWN, "count", 0)
    if number < 2 or native.best() is None:
        yield
        return
    _OWN.count = number
    try:
        for set_own in _setters():
            set_own(1)
        yield
    finally:
        for set_own in _setters():
            set_own(number)
        _OWN.count = before


@cache
def _setters() -> list[Callable[[int], None]]:
    """What sets the calling thread's number in the libraries that torch was built with.

    Where they are others, torch shares out its operations within such threads too, which is slower and no less right.
    """
    found: list[Callable[[int], None]] = []
    for path in sorted((Path(torch.__file__).parent / "lib").glob("libtorch_cpu.*")):
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
    """A forked child has none of its parent's threads, and torch would wait for them for ever."""
    if count() > 1:
        torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
