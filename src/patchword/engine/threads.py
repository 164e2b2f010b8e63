"""How many threads the calling thread's work is shared out to.

The number is each Python thread's own: nothing here sets one for the process, whose other threads may be computing.
"""

import ctypes
import os
import sys
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

_OWN = threading.local()


def count() -> int:
    """Threads for one kernel that the calling thread runs: torch's number, unless it computes alone.

    Where nobody has imported torch, as many as it would take.
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


def _torch() -> Any | None:
    """torch, if it is imported, and wholly so."""
    found = sys.modules.get("torch")
    return found if hasattr(found, "get_num_threads") else None


def _of_torch() -> int:
    torch = _torch()
    found: int = _cores() if torch is None else torch.get_num_threads()
    return found


@cache
def _cores() -> int:
    """What OpenMP takes: what it is told, or the processors that this program may use."""
    told = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if told.isdecimal() and int(told) > 0:
        return int(told)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
    """A forked child has none of its parent's threads, and torch would wait for them for ever."""
    torch = _torch()
    if torch is not None and count() > 1:
        torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
