"""Files of named tensors: safetensors, PyTorch's and NumPy's, read without running anything that is in them."""

import json
import pickle
import struct
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import torch
from safetensors.torch import load_file
from torch import Tensor

from patchword.errors import CheckpointError

PICKLES = (".bin", ".pt", ".pth")
TENSOR_SUFFIXES = (".safetensors", *PICKLES, ".npz")

# The names that a folder's weights have, in the order in which they are looked for.
WEIGHT_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)

# What zipfile and NumPy's reader of headers raise of damage, beside OSError and ValueError.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    tokenize.TokenError,
    SyntaxError,
    MemoryError,
    OverflowError,
    AssertionError,
)

# Training scripts wrap the weights in a dictionary of their own.
_WRAPPERS = ("model", "state_dict", "model_state_dict", "teacher")


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a file by name; of safetensors and of PyTorch's zip format memory-mapped, not copied.

    Args:
        path: .safetensors; .bin, .pt or .pth, a pickle of which only tensors and plain containers are accepted;
            or .npz.

    Raises:
        CheckpointError: if the file is missing, truncated, of another kind, or wants to run code.
    """
    if path.suffix not in TENSOR_SUFFIXES:
        raise CheckpointError(path, f"not a file of tensors; expected one of {', '.join(TENSOR_SUFFIXES)}")
    if not path.is_file():
        raise CheckpointError(path, "no such file")
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    return _read_npz(path) if path.suffix == ".npz" else _read_pickle(path)


def read_folder_tensors(folder: Path) -> dict[str, Tensor]:
    """The tensors of a folder as model hubs have it: one file, or shards with an index.

    Raises:
        CheckpointError: if there are no weights, a shard is missing, or a file cannot be read.
    """
    found = next((folder / name for name in WEIGHT_FILES if (folder / name).is_file()), None)
    if found is None:
        raise CheckpointError(folder, f"has no weights; expected one of {', '.join(WEIGHT_FILES)}")
    if found.suffix != ".json":
        return read_tensors(found)
    try:
        names = json.loads(found.read_text(encoding="utf-8"))["weight_map"].values()
        shards = sorted({Path(name).name for name in names})
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise CheckpointError(found, f"not an index of shards: {error}") from None
    tensors: dict[str, Tensor] = {}
    for name in shards:
        tensors |= read_tensors(folder / name)
    return tensors


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, safetensors.SafetensorError) as error:
        raise CheckpointError(path, f"truncated or not a safetensors file: {error}") from None


def _read_pickle(path: Path) -> dict[str, Tensor]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's, of unusual pickles: what cannot be read is refused below
            # Files from before PyTorch 1.6 are no zip archives, and only those can be memory-mapped.
            values = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except pickle.UnpicklingError as error:
        if "unsupported global" in str(error).lower():
            raise CheckpointError(
                path, "holds more than tensors: it wants to run code when it is opened, which is refused"
            ) from None
        raise CheckpointError(path, "truncated or not a PyTorch file") from None
    except (OSError, EOFError, RuntimeError, ValueError, LookupError, AttributeError, TypeError, *_DAMAGED):
        raise CheckpointError(path, "truncated or not a PyTorch file") from None
    return _state_dict(path, values)


def _state_dict(path: Path, values: Any) -> dict[str, Tensor]:
    for name in _WRAPPERS:
        if isinstance(values, Mapping) and isinstance(values.get(name), Mapping):
            values = values[name]
    if not isinstance(values, Mapping) or not values:
        raise CheckpointError(path, f"holds no tensors by name but a {type(values).__name__}")
    others = [name for name, value in values.items() if not (isinstance(name, str) and isinstance(value, Tensor))]
    if others:
        raise CheckpointError(path, f"{others[0]!r} is no tensor; expected a state dict, names and tensors alone")
    odd = [name for name, value in values.items() if value.layout != torch.strided or value.device.type != "cpu"]
    if odd:
        raise CheckpointError(path, f"{odd[0]!r} is a sparse tensor or one without values; only plain ones are read")
    return dict(values)


def _read_npz(path: Path) -> dict[str, Tensor]:
    try:
        if not zipfile.is_zipfile(path):
            raise CheckpointError(path, "truncated or not an .npz file")
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except ValueError as error:
        if "allow_pickle" in str(error):
            raise CheckpointError(
                path, "holds more than arrays: it wants to run code when it is opened, which is refused"
            ) from None
        raise CheckpointError(path, f"truncated or not an .npz file: {error}") from None
    except (OSError, EOFError, KeyError, TypeError, RuntimeError, pickle.UnpicklingError, *_DAMAGED) as error:
        raise CheckpointError(path, f"truncated or not an .npz file: {error}") from None
    try:
        return {name: torch.from_numpy(array) for name, array in arrays.items()}
    except (TypeError, ValueError) as error:  # ValueError: the other byte order
        raise CheckpointError(path, f"holds arrays of an unknown type: {error}") from None
