"""Arrays in a page: a byte or two a number, deflated, so that a model's maps fit into one file."""

import base64
import zlib
from typing import Any

import numpy as np
from torch import Tensor


def packed(values: Tensor | np.ndarray, axes: tuple[str, ...], bits: int = 8) -> dict[str, Any]:
    """An array as JSON can have it; what is lost is at most half of a step between its least and its largest number.

    Args:
        values: finite numbers of any shape.
        axes: what each dimension counts.
        bits: 8 or 16 a number.

    Returns:
        "axes", "shape", "low", "high", "bits", and "data": row by row, little-endian unsigned integers u, raw deflate,
        base64; a number is low + (high - low) * u / (2 ** bits - 1).
    """
    numbers = values.detach().cpu().float().numpy() if isinstance(values, Tensor) else np.asarray(values, np.float32)
    assert numbers.ndim == len(axes), (numbers.shape, axes)
    assert bits in (8, 16)
    low, high = (float(numbers.min()), float(numbers.max())) if numbers.size else (0.0, 0.0)
    most = 2**bits - 1
    steps = np.rint((numbers.astype(np.float64) - low) * (most / (high - low) if high > low else 0.0))
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = deflate.compress(steps.astype("<u1" if bits == 8 else "<u2").tobytes()) + deflate.flush()
    return {
        "axes": list(axes),
        "shape": list(numbers.shape),
        "low": low,
        "high": high,
        "bits": bits,
        "data": base64.b64encode(data).decode(),
    }


def unpacked(array: dict[str, Any]) -> np.ndarray:
    """The numbers of a `packed` array, float32, in its shape."""
    steps = np.frombuffer(zlib.decompress(base64.b64decode(array["data"]), -15), "<u1" if array["bits"] == 8 else "<u2")
    most = 2 ** array["bits"] - 1
    numbers = array["low"] + (array["high"] - array["low"]) * steps.astype(np.float64) / most
    return numbers.astype(np.float32).reshape(array["shape"])
