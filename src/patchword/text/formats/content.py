"""All bytes of a file, unpacked if they are gzip."""

from collections.abc import Iterator
from typing import IO

from patchword.errors import DataError, reason
from patchword.text.unpacking import BLOCK, unpacked_blocks

MOST_BYTES = 2**31  # of a file that is read as a whole


def blocks_of(stream: IO[bytes], name: str) -> Iterator[bytes]:
    """The bytes as they come.

    Raises:
        DataError: if they cannot be read, or gzip data are damaged.
    """

    def read(count: int) -> bytes:
        try:
            return stream.read(count)
        except OSError as error:
            raise DataError(name, f"cannot be read: {reason(error)}") from None

    yield from unpacked_blocks(iter(lambda: read(BLOCK), b""), name)


def whole(stream: IO[bytes], name: str) -> bytes:
    """The bytes together.

    Raises:
        DataError: as `blocks_of`, and if there are more than `MOST_BYTES`.
    """
    parts, size = [], 0
    for block in blocks_of(stream, name):
        size += len(block)
        if size > MOST_BYTES:
            raise DataError(name, f"has more than {MOST_BYTES // 2**30} GB; only TMX is read piece by piece")
        parts.append(block)
    return b"".join(parts)
