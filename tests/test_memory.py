import errno

import pytest
import torch

from patchword.errors import OutOfMemoryError
from patchword.memory import memory_for


def want(error: BaseException) -> None:
    with memory_for("a batch", "lower batch_size"):
        raise error


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("std::bad_alloc"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("could not create a primitive"),
        RuntimeError("can't start new thread"),
        ImportError("libtorch_cpu.so: failed to map segment from shared object"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
    ],
)
def test_every_librarys_want_of_memory_is_one_sentence(error: BaseException) -> None:
    with pytest.raises(OutOfMemoryError, match=r"^there is not enough memory for a batch; lower batch_size$"):
        want(error)


def test_torchs_own_is_known() -> None:
    with pytest.raises(OutOfMemoryError), memory_for("a batch", "lower batch_size"):
        torch.empty(2**55)


@pytest.mark.parametrize("error", [RuntimeError("size mismatch"), OSError(errno.ENOENT, "none"), ValueError("x")])
def test_other_errors_stay_what_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        want(error)
    assert caught.value is error
