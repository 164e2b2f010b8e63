"""JSON from files that anybody may have written: read whole or refused, with values that can be written again."""

import json
from pathlib import Path
from typing import Any

from patchword.files import regular

LARGEST = 64 * 2**20  # bytes; a vocabulary of a million pieces has 20 MiB
DEEPEST = 64  # brackets inside one another
LONGEST_NUMBER = 40  # digits


def read_bytes(path: Path, largest: int = LARGEST) -> bytes:
    """A small file, whole.

    Raises:
        DataError: if it is missing, a folder, a device or a pipe.
        ValueError: if it is larger than `largest` bytes.
        OSError: if it cannot be read.
    """
    size = regular(path).stat().st_size
    if size > largest:
        raise ValueError(f"it has {size / 2**20:.0f} MiB; expected at most {largest / 2**20:.0f}")
    return path.read_bytes()


def parse_json(data: bytes) -> Any:
    """Any JSON value; a byte-order mark before it is passed over.

    Raises:
        ValueError: a clause: no UTF-8, no JSON, brackets deeper than `DEEPEST`, a number of more digits than
            `LONGEST_NUMBER`, or half a surrogate pair, which can be read but not written.
    """
    try:
        values = json.loads(data.decode("utf-8-sig"), parse_int=_whole)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    _check(values)
    return values


def read_json_file(path: Path, largest: int = LARGEST) -> Any:
    """See `read_bytes` and `parse_json`."""
    return parse_json(read_bytes(path, largest))


_TOO_DEEP = f"its brackets are nested deeper than {DEEPEST}"


def _whole(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError(f"it has a number of {len(digits):,} digits; expected at most {LONGEST_NUMBER}")
    return int(digits)


def _check(values: Any) -> None:
    level = [values]
    for _ in range(DEEPEST):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inner += value.keys()
                inner += value.values()
            elif isinstance(value, list):
                inner += value
            elif isinstance(value, str) and not value.isascii():
                value.encode()
        if not inner:
            return
        level = inner
    raise ValueError(_TOO_DEEP)
