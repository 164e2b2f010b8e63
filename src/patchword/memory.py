"""How much memory there is; and what libraries raise where there is none, as one sentence that says what to do."""

import ctypes
import errno
import mmap
import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from patchword.errors import OutOfMemoryError

_MAPPED: list[range] = []  # addresses

# Of torch's allocators, C++, oneDNN, threads and the system, also while libraries are loaded, in lower case.
_SIGNS = (
    "can't allocate memory",
    "cannot allocate memory",
    "out of memory",
    "not enough memory",
    "bad_alloc",
    "could not create a memory",
    "could not create a primitive",
    "invalid buffer size",
    "storage size calculation overflowed",
    "failed to map segment from shared object",
    "can't start new thread",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory could not be had."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    return isinstance(error, RuntimeError | ImportError) and any(sign in str(error).lower() for sign in _SIGNS)


@contextmanager
def memory_for(work: str, remedy: str) -> Iterator[None]:
    """Tell a want of memory in the block as one sentence.

    Args:
        work: what it was wanted for, such as "a batch".
        remedy: what takes less, such as "lower batch_size".

    Raises:
        OutOfMemoryError: that says both.
    """
    try:
        yield
    except (MemoryError, RuntimeError, ImportError, OSError) as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemoryError(f"there is not enough memory for {work}; {remedy}") from None


def mapped(file: BinaryIO) -> mmap.mmap:
    """A file's bytes, which the system reads when they are first looked at; changes stay in this process.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is empty.
    """
    area = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    place = range(_address(area), _address(area) + len(area))
    _MAPPED.append(place)
    weakref.finalize(area, _MAPPED.remove, place)
    return area


def give_back(tensor: Any) -> None:
    """Tell the system that a tensor whose bytes are `mapped` is not needed now: they are read again if somebody looks.

    Only whole pages, none where the system has no such call, and nothing happens to other memory.
    """
    if _MAPPED and tensor.device.type == "cpu" and tensor.is_contiguous():
        give_back_bytes(tensor.data_ptr(), tensor.nbytes)


def give_back_bytes(address: int, size: int) -> None:
    """The same of bytes at an address."""
    call, page = _madvise(), mmap.PAGESIZE
    first, last = -(-address // page) * page, (address + size) // page * page
    if call is not None and first < last and any(first in place and last - 1 in place for place in list(_MAPPED)):
        call(first, last - first, mmap.MADV_DONTNEED)


def _address(area: mmap.mmap) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(area))


@cache
def _madvise() -> Any | None:
    if not hasattr(mmap, "MADV_DONTNEED"):
        return None
    call = getattr(ctypes.CDLL(None), "madvise", None)
    if call is not None:
        call.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    return call


def available_bytes(device: Any) -> int | None:
    """Memory that a program can still have; None where unknown.

    Args:
        device: a `torch.device`. Of CUDA's what this program has already counts too; of the processor's it does not,
            and limits of control groups (a container's, a job's) count.
    """
    if device.type == "cuda":
        import torch

        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device)
    if device.type != "cpu":
        return None
    return min((value for value in (_free(), *_left_of_groups()) if value is not None), default=None)


def _free() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError, IndexError):
        pass
    try:  # a system that does not say what is free
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (OSError, ValueError, AttributeError):
        return None


def _left_of_groups() -> Iterator[int]:
    """Of each limit that a control group of this program's has, version 2 or 1, what no program in the group has.

    What they have read of files can go, so it does not count.
    """
    try:
        rows = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    except OSError:
        return
    for _, controllers, name in (row for row in rows if len(row) == 3):
        if controllers and "memory" not in controllers.split(","):
            continue
        root, limit, kind = (
            ("memory", "memory.limit_in_bytes", "total_rss") if controllers else ("", "memory.max", "anon")
        )
        inside = Path(name.lstrip("/"))
        for group in (inside, *inside.parents):  # within a container the own group is its root
            place = Path("/sys/fs/cgroup") / root / group
            try:
                most = int((place / limit).read_text())
                numbers = (line.split() for line in (place / "memory.stat").read_text().splitlines())
                yield max(0, most - next(int(row[1]) for row in numbers if row[0] == kind))
            except (OSError, StopIteration, ValueError, IndexError):  # there is no such group, or its limit is "max"
                continue
