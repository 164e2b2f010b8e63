"""What a safetensors file says it has, before a value of it is read."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import safetensors

from patchword.files import regular

# safetensors' own limit is 100 MB; the largest published networks have headers of a few.
LARGEST_HEADER = 16 * 2**20

Shape = tuple[int, ...]


def weight_shapes(path: Path) -> dict[str, Shape]:
    """Names and shapes of a safetensors file, from its header alone.

    The library checks that the header is one, that tensors follow one another, and that the file has what it claims.

    Raises:
        DataError: if there is no such file, or it is a device or a pipe.
        OSError: if it cannot be read.
        safetensors.SafetensorError: if it is damaged.
    """
    with regular(path).open("rb") as file:
        claimed = int.from_bytes(file.read(8), "little")
    if claimed > LARGEST_HEADER and path.stat().st_size > LARGEST_HEADER:
        raise safetensors.SafetensorError(f"its header claims {claimed:,} bytes; expected at most {LARGEST_HEADER:,}")
    with safetensors.safe_open(path, framework="np") as checked:
        return {name: tuple(checked.get_slice(name).get_shape()) for name in checked.keys()}  # noqa: SIM118


def places(path: Path, file: BinaryIO) -> dict[str, tuple[Shape, int]] | None:
    """Every tensor's shape and first byte, in the file's order; None if not all are float32."""
    with safetensors.safe_open(path, framework="np") as checked:
        names = list(checked.keys())
    header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    first = file.tell()
    if any(header[name]["dtype"] != "F32" for name in names):
        return None
    names.sort(key=lambda name: header[name]["data_offsets"][0])
    return {name: (tuple(header[name]["shape"]), first + header[name]["data_offsets"][0]) for name in names}


def misfit(expected: Mapping[str, Shape], found: Mapping[str, Shape]) -> str | None:
    """What is wrong with the names and shapes of a file, a clause; None if it has those expected."""
    missing, unexpected = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
    if missing or unexpected:
        return f"missing tensors {missing[:5]}, unexpected tensors {unexpected[:5]}"
    for name, shape in expected.items():
        if found[name] != shape:
            return f"{name} is {tuple(found[name])}, expected {tuple(shape)}"
    return None
