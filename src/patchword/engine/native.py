"""The kernels of `engine/kernels`, for tensors: compiled C++ in this processor's instruction set."""

import ctypes
import os
from ctypes import CFUNCTYPE, POINTER, Structure, c_double, c_int64, c_void_p
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from patchword.errors import RecipeError, nearest

VARIANTS = ("avx512", "avx2")  # fastest first
ACTIVATIONS = ("none", "relu", "gelu", "gelu_tanh", "silu")  # in the order of kernels/arguments.h


class Weight(Structure):
    """A packed weight; see `kernels/arguments.h`, as for the other structures."""

    _fields_ = [
        *((name, c_void_p) for name in ("packed", "scales", "sums", "bias")),
        *((name, c_int64) for name in ("inputs", "outputs", "activation")),
    ]


class NormWeight(Structure):
    """A layer norm's weight."""

    _fields_ = [("weight", c_void_p), ("bias", c_void_p), ("width", c_int64), ("epsilon", c_double)]


class Attention(Structure):
    """Queries, and where their keys and values are."""

    _fields_ = [
        *((name, c_void_p) for name in ("query", "key", "value", "y")),
        *((name, c_int64) for name in ("slots", "queries", "heads", "head_size")),
        *((name, c_int64) for name in ("query_stride", "slot_stride", "head_stride", "entry_stride")),
        ("counts", c_void_p),
        ("count", c_int64),
        ("past", c_void_p),
        ("past_stride", c_int64),
    ]


class Likeliest(Structure):
    """Logits, and where the likeliest of them go."""

    _fields_ = [
        ("logits", c_void_p),
        *((name, c_int64) for name in ("rows", "outputs", "wanted")),
        ("never", c_void_p),
        *((name, c_int64) for name in ("never_count", "renormalise")),
        ("log_probability", c_void_p),
        ("token", c_void_p),
    ]


class EncoderLayer(Structure):
    """An encoder layer's weights."""

    _fields_ = [
        *((name, Weight) for name in ("query_key_value", "output", "inner", "outer")),
        *((name, NormWeight) for name in ("self_norm", "feed_forward_norm")),
    ]


class Encoder(Structure):
    """An encoder's layers."""

    _fields_ = [
        ("layers", POINTER(EncoderLayer)),
        *((name, c_int64) for name in ("count", "heads", "head_size", "norm_first", "quantised")),
    ]


class Group(Structure):
    """Sequences of one length."""

    _fields_ = [(name, c_int64) for name in ("start", "sequences", "length")]


class DecoderLayer(Structure):
    """A decoder layer's weights."""

    _fields_ = [
        *((name, Weight) for name in ("query_key_value", "output", "cross_query", "cross_output", "inner", "outer")),
        *((name, NormWeight) for name in ("self_norm", "cross_norm", "feed_forward_norm")),
    ]


class Decoder(Structure):
    """A decoder's layers."""

    _fields_ = [
        ("layers", POINTER(DecoderLayer)),
        *((name, c_int64) for name in ("count", "heads", "head_size", "norm_first", "quantised")),
    ]


class Step(Structure):
    """A position of a search."""

    _fields_ = [
        *((name, c_void_p) for name in ("x", "target", "source", "counts", "past")),
        *((name, c_int64) for name in ("slots", "beam", "length", "room", "source_length", "past_stride")),
    ]


class Kernels(Structure):
    """The functions of one instruction set; each lets other Python threads run meanwhile."""

    _fields_ = [
        ("panel", c_int64),
        ("group", c_int64),
        ("pack", CFUNCTYPE(None, c_void_p, c_int64, c_int64, c_void_p, c_int64)),
        ("quantise", CFUNCTYPE(None, c_void_p, c_int64, c_int64, c_void_p, c_void_p, c_void_p, c_int64)),
        ("product", CFUNCTYPE(None, c_void_p, c_void_p, c_void_p, c_int64, c_int64)),
        ("quantised_product", CFUNCTYPE(None, c_void_p, c_void_p, c_void_p, c_int64, c_int64)),
        ("norm", CFUNCTYPE(None, *[c_void_p] * 5, c_int64, c_int64)),
        ("attention", CFUNCTYPE(None, c_void_p, c_int64)),
        ("likeliest", CFUNCTYPE(None, c_void_p, c_int64)),
        ("encode", CFUNCTYPE(None, c_void_p, c_void_p, c_int64, c_void_p, c_int64, c_int64)),
        ("decode", CFUNCTYPE(None, c_void_p, c_void_p, c_int64)),
    ]


@cache
def kernels(variant: str) -> Any | None:
    """The kernels of an instruction set, or None: this processor lacks it, or the library was not compiled."""
    library = _library()
    if library is None:
        return None
    found = library.patchword_kernels(variant.encode())
    return found.contents if found else None


def address(tensor: Tensor, dtype: torch.dtype = torch.float32) -> int:
    """Where a tensor's values begin; kernels read there what they are told to.

    Raises:
        ValueError: if it is on another device, or has another type or rows with gaps.
    """
    if tensor.dtype != dtype or tensor.device.type != "cpu" or (tensor.dim() and tensor.stride(-1) != 1):
        raise ValueError(f"the engine reads {dtype} on the CPU, not {tensor.dtype} on {tensor.device}")
    return tensor.data_ptr()


@cache
def variant() -> str:
    """The fastest instruction set here that there are kernels for, or "none"; PATCHWORD_KERNELS names another."""
    found = [name for name in VARIANTS if kernels(name) is not None]
    asked = os.environ.get("PATCHWORD_KERNELS") or (found[0] if found else "none")
    if asked not in (*found, "none"):
        raise RecipeError(f"PATCHWORD_KERNELS: no kernels {asked!r} here; {nearest(asked, (*found, 'none'))}")
    return asked


def best() -> Any | None:
    """The kernels of `variant`, or None."""
    return kernels(variant())


@cache
def _library() -> Any | None:
    for suffix in EXTENSION_SUFFIXES:
        path = Path(__file__).with_name("_kernels" + suffix)
        if path.is_file():
            library = ctypes.CDLL(str(path))
            library.patchword_kernels.argtypes = [ctypes.c_char_p]
            library.patchword_kernels.restype = POINTER(Kernels)
            return library
    return None
