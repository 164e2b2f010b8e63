"""Large pages are handed out whole, apart and aligned."""

import torch

from patchword.engine.memory import CHUNK, LargePages


def test_tensors_do_not_overlap_whatever_their_size() -> None:
    pages = LargePages()
    tensors = [pages.empty(count) for count in (1, 1000, CHUNK // 4, 3, CHUNK // 16, CHUNK // 16, CHUNK)]
    for value, tensor in enumerate(tensors):
        tensor.fill_(value)
    for value, tensor in enumerate(tensors):
        assert tensor.min() == tensor.max() == value
        assert tensor.data_ptr() % 64 == 0


def test_types_have_their_own_size() -> None:
    found = LargePages().empty(100, torch.int8)
    assert found.dtype == torch.int8
    assert found.shape == (100,)


def test_memory_that_was_asked_for_in_inference_mode_can_be_shared_with_what_is_outside() -> None:
    pages = LargePages()
    with torch.inference_mode():
        pages.empty(10)
    pages.empty(10).copy_(torch.ones(10))
