"""Reading weights: into memory of their own, or out of the file as they are asked for, to be packed and given up."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import safetensors
import torch
from safetensors.torch import load_file
from torch import Tensor

from patchword.files import regular
from patchword.memory import mapped

_SMALL = 2**16  # values of a tensor that is read at once, whichever way: only matrices are packed
# safetensors' own limit is 100 MB; the largest published networks have headers of a few.
LARGEST_HEADER = 16 * 2**20


def weight_shapes(path: Path) -> dict[str, torch.Size]:
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
        return {name: torch.Size(checked.get_slice(name).get_shape()) for name in checked.keys()}  # noqa: SIM118


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file by name, whose shapes `weight_shapes` gave and somebody has checked.

    A memory-mapped file, as the library reads it, is resident as a whole until its last tensor is gone.

    Raises:
        OSError: if the file cannot be read.
        safetensors.SafetensorError: if it is damaged.
    """
    with path.open("rb") as file:
        places = _places(path, file)
        if places is None:
            return load_file(path)
        tensors = {}
        for name, (shape, start) in places.items():
            tensors[name] = torch.empty(shape, dtype=torch.float32)
            if not tensors[name].numel():
                continue
            file.seek(start)
            file.readinto(memoryview(tensors[name].numpy()).cast("B"))  # type: ignore[arg-type]
        return tensors


def mapped_weights(path: Path) -> dict[str, Tensor]:
    """The same, read by the system when values are first looked at, and again after `memory.give_back`.

    For a network that is packed at once: what somebody else writes into the file may show in these tensors, and a file
    that is made shorter, or a disk that fails, ends the process. Changes stay in this process.

    Raises:
        OSError: if the file cannot be read.
        safetensors.SafetensorError: if it is damaged.
    """
    with path.open("rb") as file:
        places = _places(path, file)
        if places is None or any(start % 4 for _, start in places.values()):
            return read_weights(path)
        area, tensors = mapped(file), {}
    for name, (shape, start) in places.items():
        count = shape.numel()
        values = torch.frombuffer(area, dtype=torch.float32, count=count, offset=start) if count else torch.empty(0)
        tensors[name] = (values.clone() if count < _SMALL else values).view(shape)
    return tensors


def _places(path: Path, file: BinaryIO) -> dict[str, tuple[torch.Size, int]] | None:
    """Every tensor's shape and first byte, in the file's order; None if not all are float32."""
    with safetensors.safe_open(path, framework="np") as checked:
        names = list(checked.keys())
    header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    first = file.tell()
    if any(header[name]["dtype"] != "F32" for name in names):
        return None
    names.sort(key=lambda name: header[name]["data_offsets"][0])
    return {name: (torch.Size(header[name]["shape"]), first + header[name]["data_offsets"][0]) for name in names}


def misfit(expected: Mapping[str, torch.Size], found: Mapping[str, torch.Size]) -> str | None:
    """What is wrong with the names and shapes of a file, a clause; None if it has those expected."""
    missing, unexpected = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
    if missing or unexpected:
        return f"missing tensors {missing[:5]}, unexpected tensors {unexpected[:5]}"
    for name, shape in expected.items():
        if found[name] != shape:
            return f"{name} is {tuple(found[name])}, expected {tuple(shape)}"
    return None
