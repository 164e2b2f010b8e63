"""Images as the kernels of convolutions read them: a pixel's channels side by side, within zeros."""

from ctypes import byref
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from patchword.engine import native, threads
from patchword.engine.tensors import address

NO_MAPS = native.Maps()


class Maps(NamedTuple):
    """Images within zeros.

    Attributes:
        pixels: (batch, height + 2 room, width + 2 room, channels), contiguous.
        room: zeros on every side.
    """

    pixels: Tensor
    room: int

    @classmethod
    def empty(cls, batch: int, height: int, width: int, channels: int, room: int = 0) -> "Maps":
        """To be written by a kernel, zeros included."""
        return cls(torch.empty(batch, height + 2 * room, width + 2 * room, channels), room)

    @classmethod
    def of(cls, images: Tensor, room: int = 0) -> "Maps":
        """From (batch, channels, height, width)."""
        kernels = native.best()
        if kernels is None or not images.is_contiguous():
            pixels = images.permute(0, 2, 3, 1)
            return cls(F.pad(pixels, (0, 0, *[room] * 4)) if room else pixels.contiguous(), room)
        batch, channels, height, width = images.shape
        y = cls.empty(batch, height, width, channels, room)
        kernels.lay_out(address(images.view(-1)), byref(y.argument()), threads.count())
        return y

    def argument(self) -> Any:
        """For a kernel; it holds no reference to the pixels."""
        pixels, room = self
        batch, rows, columns, channels = shape = pixels.shape
        return native.Maps(address(pixels, shape=shape), batch, rows - 2 * room, columns - 2 * room, channels, room)

    def images(self) -> Tensor:
        """As (batch, channels, height, width), a view."""
        end = -self.room or None
        return self.pixels[:, self.room : end, self.room : end].permute(0, 3, 1, 2)

    def with_room(self, room: int) -> "Maps":
        """At least this much of it."""
        return self if self.room >= room else Maps.of(self.images(), room)

    def largest_of_nine(self, room: int = 0) -> "Maps":
        """Of 3 x 3 pixels with stride 2, of values that are not negative, so that zeros around them change nothing."""
        x = self.with_room(1)
        kernels = native.best()
        if kernels is None:
            return Maps.of(F.max_pool2d(x.images(), 3, 2, 1), room)
        given = x.argument()
        y = Maps.empty(given.batch, -(-given.height // 2), -(-given.width // 2), given.channels, room)
        kernels.largest_of_nine(byref(given), byref(y.argument()), threads.count())
        return y

    def mean(self) -> Tensor:
        """Of an image's pixels, (batch, channels)."""
        kernels = native.best()
        if kernels is None:
            return self.images().mean((2, 3))
        means = torch.empty(self.pixels.size(0), self.pixels.size(3))
        kernels.mean(byref(self.argument()), means.data_ptr(), threads.count())
        return means
