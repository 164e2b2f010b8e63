"""The memory that a computation needs, counted by its tensors."""

import weakref
from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


def peak_bytes(compute: Callable[[], Any]) -> int:
    """The most bytes of tensors that a computation makes and holds at one time; what a kernel uses inside is its own.

    Counted tensor by tensor, so that it is the same on every machine and needs no device.
    """
    with _Memory() as memory:
        compute()
    return memory.peak


class _Memory(TorchDispatchMode):
    """Follows the memory of every tensor that is made until nobody holds it."""

    def __init__(self) -> None:
        super().__init__()
        self.held = self.peak = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Note what one operation makes."""
        result = func(*args, **(kwargs or {}))
        given = {_place(leaf) for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)}
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor) and _place(leaf) not in given | self._known:
                storage = leaf.untyped_storage()
                self._known.add(_place(leaf))
                self.held += storage.nbytes()
                weakref.finalize(storage, self._gone, _place(leaf), storage.nbytes())
        self.peak = max(self.peak, self.held)
        return result

    def _gone(self, place: int, size: int) -> None:
        self._known.discard(place)
        self.held -= size


def _place(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata
