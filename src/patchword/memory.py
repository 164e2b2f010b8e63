"""What libraries raise when there is no memory, as one sentence that says what to do."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from patchword.errors import OutOfMemoryError

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
