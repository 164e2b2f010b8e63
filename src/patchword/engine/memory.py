"""Memory in pages of 2 MB: in the usual ones of 4 kB, a processor spends half its time looking up pages of weights."""

import math
import mmap
import os
from contextlib import suppress
from threading import Lock
from typing import Any

import numpy
from numpy import uint8
from numpy.typing import NDArray

PAGE = 2 * 1024 * 1024
CHUNK = 4 * PAGE  # what is small shares this much


class LargePages:
    """Hands out memory of any size; it is given back when the last array of a chunk is gone."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew; what was handed out stays."""
        self._lock = Lock()
        self._chunk = numpy.empty(0, dtype=uint8)  # what is left of it

    def bytes(self, size: int) -> NDArray[uint8]:
        """Uninitialised memory, (size,), at an address that is a multiple of 64; in small pages where the system has
        no large ones.

        Raises:
            MemoryError: if there is not so much.
        """
        if not hasattr(mmap, "MADV_HUGEPAGE"):
            area = numpy.empty(size + 64, dtype=uint8)
            return area[-area.ctypes.data % 64 :][:size]
        if size > CHUNK // 2:
            return _mapped(size)[:size]
        with self._lock:
            if size > len(self._chunk):
                self._chunk = _mapped(CHUNK)
            found, self._chunk = self._chunk[:size], self._chunk[-(-size // 64) * 64 :]
        return found

    def empty(self, shape: tuple[int, ...], dtype: Any = numpy.float32) -> NDArray[Any]:
        """The same as an array of values."""
        size = math.prod(shape) * numpy.dtype(dtype).itemsize
        return self.bytes(size).view(dtype).reshape(shape)


def _mapped(size: int) -> NDArray[uint8]:
    """Whole large pages of at least `size` bytes."""
    size = -(-size // PAGE) * PAGE
    try:
        area = mmap.mmap(-1, size + PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except OSError as error:
        raise MemoryError(f"the engine found no memory for {size} bytes: {error}") from None
    with suppress(OSError):  # a system that was built without them
        area.madvise(mmap.MADV_HUGEPAGE)
    memory = numpy.frombuffer(area, dtype=uint8)
    start = -memory.ctypes.data % PAGE
    return memory[start : start + size]


LARGE_PAGES = LargePages()

if hasattr(os, "register_at_fork"):
    # A thread that held the parent's lock is not there in a forked child to give it back.
    os.register_at_fork(after_in_child=LARGE_PAGES.forget)
