"""Writing a safetensors file a tensor at a time."""

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import save_file
from torch import Tensor

# Types of weights, and their names in the format.
DTYPES = {torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}


def write_safetensors(
    path: Path, layout: Mapping[str, tuple[torch.dtype, torch.Size]], pieces: Iterable[Sequence[Tensor]]
) -> None:
    """Write tensors that are made on demand, so that they never stand in memory together.

    The library's own function wants all of them at once: a checkpoint of 300 MB would be held twice, and copying it
    into new memory would take longer than reading it. The format is a length (8 bytes, little-endian), a JSON header
    of that length, and the tensors' bytes in the header's order.

    Args:
        path: the file.
        layout: type and shape of every tensor, in the order in which they are written.
        pieces: for each name of the layout, in its order, the tensors that make it when they stand one after another
            in memory.
    """
    header: dict[str, dict[str, Any]] = {}
    offset = 0
    for name, (dtype, shape) in layout.items():
        end = offset + shape.numel() * dtype.itemsize
        header[name] = {"dtype": DTYPES[dtype], "shape": list(shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # data begins at a multiple of 8
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for tensors, (name, place) in zip(pieces, header.items(), strict=True):
            begin, end = place["data_offsets"]
            assert sum(tensor.nbytes for tensor in tensors) == end - begin, name
            for tensor in tensors:
                file.write(tensor.contiguous().flatten().view(torch.uint8).numpy().data)


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Write tensors that are in memory.

    Args:
        path: the file.
        tensors: by name.
        metadata: of the file's header.

    Raises:
        OSError: if it cannot be written; the library's own error has its number in the text alone.
    """
    try:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, dict(metadata or {}) or None)
    except safetensors.SafetensorError as error:
        found = re.search(r"os error (\d+)", str(error))
        if found is None:
            raise
        raise OSError(int(found[1]), os.strerror(int(found[1]))) from None
