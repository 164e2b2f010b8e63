"""Memory in pages of 2 MB: in the usual ones of 4 kB, a processor spends half its time looking up pages of weights."""

import mmap
import os
from contextlib import suppress
from threading import Lock

import torch
from torch import Tensor

PAGE = 2 * 1024 * 1024
CHUNK = 8 * PAGE  # small tensors share this much


class LargePages:
    """Hands out memory for tensors of any size; it is given back when the last tensor of a chunk is gone."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew; what was handed out stays."""
        self._lock = Lock()
        self._chunk = torch.empty(0, dtype=torch.uint8)  # what is left of it

    def empty(self, count: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """Uninitialised memory for `count` elements; in small pages where the system has no large ones.

        Raises:
            MemoryError: if there is not so much.
        """
        size = count * dtype.itemsize
        if not hasattr(mmap, "MADV_HUGEPAGE"):
            return torch.empty(count, dtype=dtype)
        if size > CHUNK // 2:
            return _mapped(size)[:size].view(dtype)
        with self._lock:
            if size > self._chunk.numel():
                self._chunk = _mapped(CHUNK)
            found, self._chunk = self._chunk[:size], self._chunk[-(-size // 64) * 64 :]
        return found.view(dtype)


def _mapped(size: int) -> Tensor:
    """Whole large pages of at least `size` bytes."""
    size = -(-size // PAGE) * PAGE
    try:
        area = mmap.mmap(-1, size + PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except OSError as error:
        raise MemoryError(f"the engine found no memory for {size} bytes: {error}") from None
    with suppress(OSError):  # a system that was built without them
        area.madvise(mmap.MADV_HUGEPAGE)
    with torch.inference_mode(False):  # later requests for the same chunk may come from outside of it
        memory = torch.frombuffer(area, dtype=torch.uint8)
    start = -memory.data_ptr() % PAGE
    return memory[start : start + size]


LARGE_PAGES = LargePages()

if hasattr(os, "register_at_fork"):
    # A thread that held the parent's lock is not there in a forked child to give it back.
    os.register_at_fork(after_in_child=LARGE_PAGES.forget)
