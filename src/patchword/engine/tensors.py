"""Tensors of torch's whose values the kernels read and write."""

import torch
from torch import Tensor

from patchword.engine.memory import LARGE_PAGES


def address(tensor: Tensor, dtype: torch.dtype = torch.float32, shape: tuple[int, ...] | None = None) -> int:
    """Where a tensor's values begin; kernels read there what they are told to.

    Args:
        tensor: any.
        dtype: that a kernel reads.
        shape: that a kernel reads, row after row without gaps; None where it is told the strides.

    Raises:
        ValueError: if the tensor is on another device, or has another type or shape, or gaps.
    """
    if tensor.dtype != dtype or tensor.device.type != "cpu" or (tensor.dim() and tensor.stride(-1) != 1):
        raise ValueError(f"the engine reads {dtype} on the CPU, not {tensor.dtype} on {tensor.device}")
    if shape is not None and (tensor.shape != shape or not tensor.is_contiguous()):
        raise ValueError(f"the engine reads {shape} in one piece, not {tuple(tensor.shape)}")
    return tensor.data_ptr()


def uninitialised(count: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Uninitialised values in large pages; see `memory.LargePages`.

    Raises:
        MemoryError: if there is not so much.
    """
    with torch.inference_mode(False):  # what is made within can be used outside too
        return torch.from_numpy(LARGE_PAGES.bytes(count * dtype.itemsize)).view(dtype)
