"""Reading weights: into memory of their own, or out of the file as they are asked for, to be packed and given up."""

import math
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from patchword.checkpoints.header import places
from patchword.memory import mapped

_SMALL = 2**16  # values of a tensor that is read at once, whichever way: only matrices are packed


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file by name, whose shapes `weight_shapes` gave and somebody has checked.

    A memory-mapped file, as the library reads it, is resident as a whole until its last tensor is gone.

    Raises:
        OSError: if the file cannot be read.
        safetensors.SafetensorError: if it is damaged.
    """
    with path.open("rb") as file:
        found = places(path, file)
        if found is None:
            return load_file(path)
        tensors = {}
        for name, (shape, start) in found.items():
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
        found = places(path, file)
        if found is None or any(start % 4 for _, start in found.values()):
            return read_weights(path)
        area, tensors = mapped(file), {}
    for name, (shape, start) in found.items():
        count = math.prod(shape)
        values = torch.frombuffer(area, dtype=torch.float32, count=count, offset=start) if count else torch.empty(0)
        tensors[name] = (values.clone() if count < _SMALL else values).view(shape)
    return tensors
