"""Large pages are handed out whole, apart and aligned."""

import mmap
from concurrent.futures import ThreadPoolExecutor

import numpy
import pytest
import torch

from patchword.engine.memory import CHUNK, KEPT, LargePages
from patchword.engine.tensors import uninitialised


def test_arrays_do_not_overlap_whatever_their_size() -> None:
    pages = LargePages()
    arrays = [pages.empty((count,)) for count in (1, 1000, CHUNK // 4, 3, CHUNK // 16, CHUNK // 16, CHUNK)]
    for value, array in enumerate(arrays):
        array.fill(value)
    for value, array in enumerate(arrays):
        assert array.min() == array.max() == value
        assert array.ctypes.data % 64 == 0


LARGE = pytest.mark.skipif(not hasattr(mmap, "MADV_HUGEPAGE"), reason="this system has no large pages to ask for")


@LARGE
def test_what_nobody_uses_any_more_is_handed_out_again() -> None:
    pages = LargePages()
    first = pages.bytes(2 * CHUNK)
    address, view = first.ctypes.data, first[100:200].view(numpy.uint32)
    del first
    other = pages.bytes(2 * CHUNK)
    assert other.ctypes.data != address  # a view is still there
    view[:] = 7
    other.fill(1)
    assert (view == 7).all()
    del view
    assert pages.bytes(2 * CHUNK - 5).ctypes.data == address


@LARGE
def test_little_is_kept_of_what_nobody_uses() -> None:
    pages = LargePages()
    used = pages.bytes(CHUNK)
    several = [pages.bytes(KEPT // 2) for _ in range(4)]
    del several
    pages.trim()
    assert sum(area.size for area in pages._areas if area.idle) == KEPT
    pages.bytes(8 * KEPT)  # nothing that is idle is large enough, so it would be kept in vain
    assert [area.size for area in pages._areas] == [CHUNK, 8 * KEPT]
    assert used.size == CHUNK


@pytest.mark.parametrize("count", [4, 64])
def test_threads_are_handed_out_memory_of_their_own(count: int) -> None:
    pages = LargePages()

    def use(value: int) -> bool:
        arrays = [pages.bytes(CHUNK) for _ in range(3)]
        for array in arrays:
            array[::4096] = value
        return all((array[::4096] == value).all() for array in arrays)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(use, range(count)))


def test_types_have_their_own_size() -> None:
    found = LargePages().empty((10, 10), numpy.int8)
    assert found.dtype == numpy.int8
    assert found.shape == (10, 10)
    assert uninitialised(100, torch.bfloat16).shape == (100,)


def test_memory_that_was_asked_for_in_inference_mode_can_be_shared_with_what_is_outside() -> None:
    with torch.inference_mode():
        inside = uninitialised(10)
    inside.copy_(torch.ones(10))
    uninitialised(10).copy_(torch.ones(10))
