"""Large pages are handed out whole, apart and aligned."""

import numpy
import torch

from patchword.engine.memory import CHUNK, LargePages
from patchword.engine.tensors import uninitialised


def test_arrays_do_not_overlap_whatever_their_size() -> None:
    pages = LargePages()
    arrays = [pages.empty((count,)) for count in (1, 1000, CHUNK // 4, 3, CHUNK // 16, CHUNK // 16, CHUNK)]
    for value, array in enumerate(arrays):
        array.fill(value)
    for value, array in enumerate(arrays):
        assert array.min() == array.max() == value
        assert array.ctypes.data % 64 == 0


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
