"""Reading weights into memory of their own, so that each can be given up as soon as it is packed."""

import json
from pathlib import Path

import safetensors
import torch
from safetensors.torch import load_file
from torch import Tensor


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file by name.

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
