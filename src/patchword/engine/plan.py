"""The kernels that a convolutional network calls for images of one size, with memory that is used again and again.

Between two kernels no Python object is made, no memory is asked of the system, and nothing is shared out by torch,
whose threads would go on waiting beside the kernels' own.
"""

from collections.abc import Callable
from ctypes import byref
from typing import Any, NamedTuple

import torch
from torch import Tensor

from patchword.engine import native, threads
from patchword.engine.convolutions import KernelConvolution
from patchword.engine.maps import NO_MAPS
from patchword.engine.tensors import address, uninitialised


class Planned(NamedTuple):
    """Maps that will lie in a slot.

    Attributes:
        maps: without an address until the plan is complete.
        slot: the memory's name; what was in it before is overwritten.
        start: in floats, within the slot.
    """

    maps: Any
    slot: str
    start: int


class Plan:
    """Kernels in their order. It is completed once, then run any number of times, by one thread at a time.

    Args:
        shape: of the images, (batch, channels, height, width).
    """

    def __init__(self, shape: torch.Size) -> None:
        self.shape = shape
        self._sizes: dict[str, int] = {}
        self._planned: list[Planned] = []
        self._waiting: list[Callable[[], tuple[Any, ...]]] = []

    def maps(self, slot: str, shape: tuple[int, int, int, int], room: int, image: int = 0, images: int = 0) -> Planned:
        """Maps (batch, height, width, channels) in a slot; they may be those from `image` on of `images` there."""
        batch, height, width, channels = shape
        each = (height + 2 * room) * (width + 2 * room) * channels
        self._sizes[slot] = max(self._sizes.get(slot, 0), each * max(batch, images))
        found = Planned(native.Maps(None, *shape, room), slot, image * each)
        self._planned.append(found)
        return found

    def lay_out(self, images: range, y: Planned) -> None:
        """Some of the images."""
        bytes_each = self.shape[1:].numel() * torch.float32.itemsize
        self._waiting.append(lambda: (_kernels().lay_out, images.start * bytes_each, byref(y.maps)))

    def convolve(self, convolution: KernelConvolution, x: Planned, added: Planned | None, y: Planned) -> None:
        """See `FoldedConvolution`."""
        more = NO_MAPS if added is None else added.maps
        self._waiting.append(lambda: (convolution.kernel, None, byref(convolution.arguments(x.maps, more, y.maps))))

    def largest_of_nine(self, x: Planned, y: Planned) -> None:
        """See `Maps.largest_of_nine`."""
        self._waiting.append(lambda: (_kernels().largest_of_nine, None, byref(x.maps), byref(y.maps)))

    def complete(self, last: Planned) -> None:
        """Find the memory.

        Args:
            last: whose means are the result.
        """
        self._memory = {slot: uninitialised(size) for slot, size in self._sizes.items()}
        for planned in self._planned:
            planned.maps.pixels = self._memory[planned.slot][planned.start :].data_ptr()
        self._calls = [entry() for entry in self._waiting]
        self._last = last.maps
        self._mean = _kernels().mean
        self._waiting.clear()

    def __call__(self, images: Tensor) -> Tensor:
        """The means of the last maps, (batch, channels)."""
        start, count = address(images, shape=tuple(self.shape)), threads.count()
        for kernel, offset, *arguments in self._calls:
            if offset is None:
                kernel(*arguments, count)
            else:
                kernel(start + offset, *arguments, count)
        means = torch.empty(self._last.batch, self._last.channels)
        self._mean(byref(self._last), means.data_ptr(), count)
        return means


def _kernels() -> native.Kernels:
    kernels = native.best()
    assert kernels is not None
    return kernels
