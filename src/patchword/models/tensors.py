"""Everything that must be kept of a module: what trains, and what is counted while it does."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from patchword.memory import give_back

_LARGEST = torch.finfo(torch.float32).max


def named_tensors(module: nn.Module) -> dict[str, Tensor]:
    """Everything that must be kept of a module: parameters and persistent buffers, by name; a tied one once, under its
    first name. The tensors are the module's own, without their graph.
    """
    return {name: parameter.detach() for name, parameter in module.named_parameters()} | dict(named_buffers(module))


def named_buffers(module: nn.Module) -> Iterable[tuple[str, Tensor]]:
    """Persistent buffers, such as a batch norm's running statistics."""
    seen: set[int] = set()
    for prefix, child in module.named_modules():
        for name, buffer in child._buffers.items():
            if buffer is not None and name not in child._non_persistent_buffers_set and id(buffer) not in seen:
                seen.add(id(buffer))
                yield f"{prefix}.{name}" if prefix else name, buffer


def not_finite(tensors: Mapping[str, Tensor]) -> str | None:
    """The name of the first tensor with an infinite value or one that is not a number; None if there is none.

    A tensor that is mapped from a file is given back to the system when it has been looked at.
    """
    for name, tensor in tensors.items():
        if not is_finite(tensor):
            return name
        give_back(tensor)
    return None


def is_finite(tensor: Tensor) -> bool:
    """Whether all values are numbers of float32, in which networks compute."""
    if not tensor.numel() or not tensor.is_floating_point():
        return True
    low, high = (float(value) for value in tensor.aminmax())
    # Both are NaN if one value is.
    return low >= -_LARGEST and high <= _LARGEST
