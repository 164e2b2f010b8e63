"""What a computation costs, counted operation by operation while it runs on tensors without numbers."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

_ATEN = torch.ops.aten


@dataclass(frozen=True)
class Counted:
    """What was counted.

    Attributes:
        operations: multiplications and additions of all matrix products and convolutions, two for each pair.
        between: of those, the products of two activations, which in a Transformer are attention's (section 3.2.1).
        chain: the longest chain of products each of which needs the one before it: the number of steps that a machine
            without any limit would still have to take one after the other.
    """

    operations: int
    between: int
    chain: int


def counted(compute: Callable[[], Any], inputs: Iterable[Tensor] = ()) -> Counted:
    """Count what a computation does.

    Args:
        compute: networks and tensors on the "meta" device, where nothing is fused and a recurrence is its single steps;
            not in inference mode, where torch hands on whole layers.
        inputs: what is read; whatever depends on them is an activation, anything else a weight.
    """
    with _Counter(inputs) as counter:
        compute()
    return Counted(counter.operations, counter.between, counter.chain)


class _Counter(TorchDispatchMode):
    """Follows every tensor: how many products lead to it, and whether the inputs do."""

    def __init__(self, inputs: Iterable[Tensor]) -> None:
        super().__init__()
        self.operations = self.between = self.chain = 0
        self._depths: dict[int, int] = {}
        self._activations = {id(tensor) for tensor in inputs}
        # An id is a tensor's own only while the tensor lives.
        self._kept: list[Tensor] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Count one operation."""
        result = func(*args, **(kwargs or {}))
        read = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        written = [leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
        depth = max((self._depths.get(id(tensor), 0) for tensor in read), default=0)
        active = [id(tensor) in self._activations for tensor in read]
        operations = _operations(func.overloadpacket, args, written)
        if operations:
            depth += 1
            self.operations += operations
            self.between += operations if sum(active) > 1 else 0
            self.chain = max(self.chain, depth)
        for tensor in written:
            self._kept.append(tensor)
            self._depths[id(tensor)] = depth
            if any(active):
                self._activations.add(id(tensor))
        return result


def _operations(packet: Any, args: Any, written: list[Tensor]) -> int:
    """Two for each multiplication that is added up; 0 if it is no product."""
    if packet in (_ATEN.mm, _ATEN.bmm):
        return 2 * args[0].numel() * args[1].size(-1)
    if packet in (_ATEN.addmm, _ATEN.baddbmm):
        return 2 * args[1].numel() * args[2].size(-1)
    if packet is _ATEN.convolution:
        return _convolution(written[0], args[1])
    if packet is _ATEN.convolution_backward:
        # The gradients of the weights and of the images, if wanted, each take as many as the way forward.
        return sum(args[10][:2]) * _convolution(args[0], args[2])
    return 0


def _convolution(output: Tensor, weight: Tensor) -> int:
    return 2 * output.numel() * math.prod(weight.shape[1:])
