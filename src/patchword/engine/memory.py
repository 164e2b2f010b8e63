"""Memory in pages of 2 MB: in the usual ones of 4 kB, a processor spends half its time looking up pages of weights."""

import math
import mmap
import os
from contextlib import suppress
from threading import Lock
from typing import Any
from weakref import ReferenceType, ref

import numpy
from numpy import uint8
from numpy.typing import NDArray

PAGE = 2 * 1024 * 1024
CHUNK = 4 * PAGE  # what is small shares this much
KEPT = 64 * PAGE  # of what nobody uses any more


class _Area:
    """Large pages of the system's, which one array at a time and its views use."""

    def __init__(self, size: int) -> None:
        self.size = size
        try:
            self._map = mmap.mmap(-1, size + PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        except OSError as error:
            raise MemoryError(f"the engine found no memory for {size} bytes: {error}") from None
        with suppress(OSError):  # a system that was built without them
            self._map.madvise(mmap.MADV_HUGEPAGE)
        self._user: ReferenceType[NDArray[uint8]] | None = None

    @property
    def idle(self) -> bool:
        return self._user is None or self._user() is None

    def use(self) -> NDArray[uint8]:
        memory = numpy.frombuffer(self._map, dtype=uint8)
        self._user = ref(memory)  # which lives as long as any view of it
        start = -memory.ctypes.data % PAGE
        return memory[start : start + self.size]


class LargePages:
    """Hands out memory of any size.

    What arrays that are gone have used is handed out again: a batch mostly takes what the one before it took, and the
    system would first have to fill new pages with zeros, and to make room for large ones where there is none in one
    piece. `trim` gives it back.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew; what was handed out stays."""
        self._lock = Lock()
        self._chunk = numpy.empty(0, dtype=uint8)  # what is left of it
        self._areas: list[_Area] = []

    def trim(self) -> None:
        """Give back what nobody uses any more, but for `KEPT` bytes."""
        with self._lock:
            kept, areas = 0, []
            for area in self._areas:
                kept += area.size if area.idle else 0
                if not area.idle or kept <= KEPT:
                    areas.append(area)
            self._areas = areas

    def bytes(self, size: int) -> NDArray[uint8]:
        """Uninitialised memory, (size,), at an address that is a multiple of 64; in small pages where the system has
        no large ones.

        Raises:
            MemoryError: if there is not so much.
        """
        if not hasattr(mmap, "MADV_HUGEPAGE"):
            area = numpy.empty(size + 64, dtype=uint8)
            return area[-area.ctypes.data % 64 :][:size]
        with self._lock:
            if size > CHUNK // 2:
                return self._pages(size)[:size]
            if size > len(self._chunk):
                self._chunk = self._pages(CHUNK)
            found, self._chunk = self._chunk[:size], self._chunk[-(-size // 64) * 64 :]
        return found

    def _pages(self, size: int) -> NDArray[uint8]:
        """Whole large pages of at least `size` bytes."""
        size = -(-size // PAGE) * PAGE
        fitting = [area for area in self._areas if size <= area.size <= 2 * size and area.idle]
        if not fitting:  # sizes have changed: what is idle would be in vain
            self._areas = [area for area in self._areas if not area.idle]
            fitting = [_Area(size)]
            self._areas += fitting
        return min(fitting, key=lambda area: area.size).use()

    def empty(self, shape: tuple[int, ...], dtype: Any = numpy.float32) -> NDArray[Any]:
        """The same as an array of values."""
        size = math.prod(shape) * numpy.dtype(dtype).itemsize
        return self.bytes(size).view(dtype).reshape(shape)


LARGE_PAGES = LargePages()

if hasattr(os, "register_at_fork"):
    # A thread that held the parent's lock is not there in a forked child to give it back.
    os.register_at_fork(after_in_child=LARGE_PAGES.forget)
