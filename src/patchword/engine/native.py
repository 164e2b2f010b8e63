"""The kernels of `engine/kernels`: compiled C++ in this processor's instruction set."""

import ctypes
import os
import platform
import warnings
from ctypes import POINTER
from functools import cache
from typing import Any

from patchword.engine import layout, library
from patchword.errors import RecipeError, nearest, shown

# Fastest first, of each processor.
VARIANTS = ("avx512bf16", "avx512", "avxvnni", "avx2", "neonbf16", "neondot", "neon")
PROCESSORS = ("x86_64", "AMD64", "aarch64", "arm64", "ARM64")  # as platform.machine() calls those that have one of them

_HEADER = library.HEADER.read_text(encoding="utf-8")
_STRUCTURES = layout.structures(_HEADER)
ACTIVATIONS = layout.constants(_HEADER, "Activation")
PRECISIONS = layout.constants(_HEADER, "Precision")

Weight: Any = _STRUCTURES["Weight"]
NormWeight: Any = _STRUCTURES["NormWeight"]
Attention: Any = _STRUCTURES["Attention"]
Source: Any = _STRUCTURES["Source"]
Maps: Any = _STRUCTURES["Maps"]
Convolution: Any = _STRUCTURES["Convolution"]
Likeliest: Any = _STRUCTURES["Likeliest"]
EncoderLayer: Any = _STRUCTURES["EncoderLayer"]
Encoder: Any = _STRUCTURES["Encoder"]
Group: Any = _STRUCTURES["Group"]
DecoderLayer: Any = _STRUCTURES["DecoderLayer"]
Decoder: Any = _STRUCTURES["Decoder"]
Step: Any = _STRUCTURES["Step"]


class Kernels:
    """The functions of one instruction set, under their names in `kernels/arguments.h`.

    Each lets other Python threads run meanwhile, and raises MemoryError if it had no memory to work in, or IndexError
    if it was asked for what is not there.

    Attributes:
        panel: outputs that lie together in a packed weight.
        group: inputs that lie together in an int8 weight.
        multiplies_bfloat16: whether the processor does; elsewhere bfloat16 is read and multiplied as float32.
    """

    def __init__(self, table: Any) -> None:
        self._table = table
        self.panel: int = table.panel
        self.group: int = table.group
        self.multiplies_bfloat16 = bool(table.multiplies_bfloat16)
        for name, kind in table._fields_:
            if hasattr(kind, "restype"):
                function = getattr(table, name)
                function.errcheck = _checked
                setattr(self, name, function)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"no kernel {name!r} in arguments.h")


@cache
def kernels(variant: str) -> Kernels | None:
    """The kernels of an instruction set, or None: this processor lacks it, or there is no library for it."""
    found = _library()[0]
    if found is None:
        return None
    table = found.patchword_kernels(variant.encode())
    return Kernels(table.contents) if table else None


@cache
def variant() -> str:
    """The fastest instruction set here that there are kernels for, or "none"; PATCHWORD_KERNELS names another.

    Warns:
        RuntimeWarning: if this processor could have kernels and `missing_reason` says why there are none.
    """
    asked = os.environ.get("PATCHWORD_KERNELS")
    if asked == "none":
        return asked
    found = [name for name in VARIANTS if kernels(name) is not None]
    reason = missing_reason()
    if reason is not None and platform.machine() in PROCESSORS:
        warnings.warn(
            f"{reason}; torch's own operations are used, two to six times slower (PATCHWORD_KERNELS=none: no warning)",
            RuntimeWarning,
            stacklevel=2,
        )
    asked = asked or (found[0] if found else "none")
    if asked not in (*found, "none"):
        raise RecipeError(f"PATCHWORD_KERNELS: no kernels {shown(asked)} here; {nearest(asked, (*found, 'none'))}")
    return asked


def missing_reason() -> str | None:
    """Why there are no compiled kernels, a sentence without its full stop; None if there are, or none were wanted."""
    return None if os.environ.get("PATCHWORD_KERNELS") == "none" else _library()[1]


def best() -> Kernels | None:
    """The kernels of `variant`, or None."""
    name = variant()
    return None if name == "none" else kernels(name)


@cache
def _library() -> tuple[Any | None, str | None]:
    """The library, or why there is none: it is opened only if it is whole, and called only if it fits the header."""
    path = library.library_path()
    try:
        if not library.is_sealed(path):
            return None, f"the engine's kernels are damaged: {path} is not what was compiled"
        found = ctypes.CDLL(str(path))
    except FileNotFoundError:
        return None, "the engine's kernels were not compiled: there was no gcc or clang when Patchword was installed"
    except OSError as error:
        return None, f"the engine's kernels cannot be opened: {error}"
    if not _fits(found):
        return None, f"the engine's kernels are of another version: {path} was not compiled from these sources"
    found.patchword_kernels.argtypes = [ctypes.c_char_p]
    found.patchword_kernels.restype = POINTER(_STRUCTURES["Kernels"])
    return found, None


def _fits(found: Any) -> bool:
    try:
        found.patchword_layout.restype = ctypes.c_char_p
        found.patchword_sizes.restype = POINTER(ctypes.c_int64)
        sizes = [*layout.sizes(_STRUCTURES), 0]
        return found.patchword_layout() == library.layout().encode() and found.patchword_sizes()[: len(sizes)] == sizes
    except AttributeError:
        return False


def _checked(status: int, function: Any, arguments: Any) -> None:
    if status == 2:
        raise IndexError("a token that is not in the vocabulary")
    if status:
        raise MemoryError("the engine's kernels had no memory to work in; try smaller batches")
