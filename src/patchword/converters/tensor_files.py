"""Files of named tensors: safetensors, PyTorch's and NumPy's, read without running anything that is in them."""

import math
import os
import pickle
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import torch
from numpy.lib.format import read_array_header_1_0, read_array_header_2_0, read_magic
from safetensors.torch import load_file
from torch import Tensor

from patchword.checkpoints.json_file import read_json_file
from patchword.converters.pickles import MOST_PACKED, SMALL, TooLargeError, WantsToRunError, load_pickle
from patchword.converters.state_dicts import REMEDY, Weights, state_dict
from patchword.errors import CheckpointError, DataError, shown
from patchword.files import regular

PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".tar", ".pkl")
TENSOR_SUFFIXES = (".safetensors", *PICKLES, ".npz")

# The names that a folder's weights have, in the order in which they are looked for.
WEIGHT_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)

# With it torch takes no other reader than its own.
_TORCH_ALONE = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"

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


def is_tensor_file(path: Path) -> bool:
    """Whether a file's name, in capitals or not, is one that is read."""
    return path.suffix.lower() in TENSOR_SUFFIXES


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name; see `read_weights_of`."""
    return dict(read_weights_of(path).tensors)


def read_weights_of(path: Path, wanted: str | None = None) -> Weights:
    """All tensors of a file by name; of safetensors and of PyTorch's zip format memory-mapped, not copied.

    Args:
        path: .safetensors; one of `PICKLES`, of which nothing but tensors and plain containers comes to life; or .npz.
        wanted: see `state_dicts.state_dict`.

    Raises:
        CheckpointError: if the file is missing, truncated, of another kind, wants to run code, or claims more than it
            has.
    """
    suffix = path.suffix.lower()
    if suffix not in TENSOR_SUFFIXES:
        raise CheckpointError(path, f"not a file of tensors; expected one of {', '.join(TENSOR_SUFFIXES)}")
    try:
        regular(path, "a file of tensors")
    except DataError as error:
        raise CheckpointError(path, str(error).removeprefix(f"{path}: ")) from None
    if suffix in PICKLES:
        return state_dict(path, _read_pickle(path), wanted)
    return Weights(_read_npz(path) if suffix == ".npz" else _read_safetensors(path), [], wanted)


def read_folder_tensors(folder: Path, wanted: str | None = None) -> Weights:
    """The tensors of a folder as model hubs have it: one file, or shards with an index; see `read_weights_of`.

    Raises:
        CheckpointError: if there are no weights, a shard is missing, or a file cannot be read.
    """
    found = next((folder / name for name in WEIGHT_FILES if (folder / name).exists()), None)
    if found is None:
        raise CheckpointError(folder, f"has no weights; expected one of {', '.join(WEIGHT_FILES)}")
    if found.suffix != ".json":
        return read_weights_of(found, wanted)
    try:
        names = read_json_file(found)["weight_map"].values()
        shards = sorted({Path(name).name for name in names})
    except (OSError, ValueError, KeyError, AttributeError, TypeError, DataError) as error:
        raise CheckpointError(found, f"not an index of shards: {error}") from None
    tensors: dict[str, Tensor] = {}
    for name in shards:
        tensors |= read_tensors(folder / name)
    return Weights(tensors, [], wanted)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, safetensors.SafetensorError) as error:
        raise CheckpointError(path, f"truncated or not a safetensors file: {error}") from None


def _read_pickle(path: Path) -> Any:
    if os.environ.get(_TORCH_ALONE, "0").lower() in ("1", "y", "yes", "true"):
        raise CheckpointError(
            path, f"unset {_TORCH_ALONE}: this reader of pickles is not torch's, and runs nothing either"
        )
    try:
        return load_pickle(path)
    except WantsToRunError as error:
        raise CheckpointError(
            path,
            f"holds more than tensors: it wants to run code when it is opened, which is refused ({error}); {REMEDY}",
        ) from None
    except TooLargeError as error:
        raise CheckpointError(path, str(error)) from None
    except Exception:  # of damage, torch, zipfile and pickle raise any type
        raise CheckpointError(path, "truncated or not a PyTorch file") from None


def _read_npz(path: Path) -> dict[str, Tensor]:
    try:
        if not zipfile.is_zipfile(path):
            raise CheckpointError(path, "truncated or not an .npz file")
        _check_npz(path)
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


def _check_npz(path: Path) -> None:
    """See that no array is reserved that its file does not have."""
    most = max(SMALL, MOST_PACKED * path.stat().st_size)
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        whole = sum(member.file_size for member in members)
        if whole > most:
            raise CheckpointError(
                path,
                f"would unpack to {whole / 2**20:,.0f} MiB; expected at most {most / 2**20:,.0f} of a file so small",
            )
        for member in members:
            with archive.open(member) as stream:
                version = read_magic(stream)
                if version not in _HEADERS:
                    raise ValueError(f"{shown(member.filename)} is of version {version}")
                shape, _, dtype = _HEADERS[version](stream)
            if not dtype.hasobject and math.prod(shape) * dtype.itemsize > member.file_size:
                raise ValueError(f"{shown(member.filename)} claims more than it has")


_HEADERS = {(1, 0): read_array_header_1_0, (2, 0): read_array_header_2_0}
