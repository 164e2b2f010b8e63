"""Reading weights into memory of their own, so that each can be given up as soon as it is packed."""

import json
from collections.abc import Mapping
from pathlib import Path

import safetensors
import torch
from safetensors.torch import load_file
from torch import Tensor

from patchword.files import regular

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
    with safetensors.safe_open(path, framework="np") as checked:
        names = list(checked.keys())
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        if any(header[name]["dtype"] != "F32" for name in names):
            return load_file(path)
        first = file.tell()
        tensors = {}
        for name in sorted(names, key=lambda name: header[name]["data_offsets"][0]):
            tensors[name] = torch.empty(header[name]["shape"], dtype=torch.float32)
            if not tensors[name].numel():
                continue
            file.seek(first + header[name]["data_offsets"][0])
            file.readinto(memoryview(tensors[name].numpy()).cast("B"))  # type: ignore[arg-type]
        return tensors


def misfit(expected: Mapping[str, torch.Size], found: Mapping[str, torch.Size]) -> str | None:
    """What is wrong with the names and shapes of a file, a clause; None if it has those expected."""
    missing, unexpected = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
    if missing or unexpected:
        return f"missing tensors {missing[:5]}, unexpected tensors {unexpected[:5]}"
    for name, shape in expected.items():
        if found[name] != shape:
            return f"{name} is {tuple(found[name])}, expected {tuple(shape)}"
    return None
