"""Convolutions with the batch norm that follows them folded in: one call for convolution, addition and relu."""

from abc import abstractmethod
from ctypes import addressof
from threading import Lock
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from patchword.engine import native, threads
from patchword.engine.memory import LARGE_PAGES
from patchword.nn.convolution import ConvolutionNorm

# The operators that torch's compiler makes of a convolution and what follows it; called by hand here.
FUSED = all(
    hasattr(torch.ops.mkldnn, name)
    for name in ("_convolution_pointwise", "_convolution_pointwise_", "_reorder_convolution_weight")
)


class Maps(NamedTuple):
    """Images within zeros.

    Attributes:
        pixels: (batch, height + 2 room, width + 2 room, channels), contiguous.
        room: zeros on every side.
    """

    pixels: Tensor
    room: int

    @classmethod
    def of(cls, images: Tensor, room: int = 0) -> "Maps":
        """From (batch, channels, height, width)."""
        pixels = images.permute(0, 2, 3, 1)
        return cls(F.pad(pixels, (0, 0, *[room] * 4)) if room else pixels.contiguous(), room)

    def images(self) -> Tensor:
        """As (batch, channels, height, width), a view."""
        end = -self.room or None
        return self.pixels[:, self.room : end, self.room : end].permute(0, 3, 1, 2)

    def with_room(self, room: int) -> "Maps":
        """At least this much of it."""
        return self if self.room >= room else Maps.of(self.images(), room)


class FoldedConvolution:
    """relu(convolution(x) + bias + added).

    Args:
        layer: a convolution and its norm, in evaluation mode: w' = w g / s and b' = b - m g / s, with the norm's weight
            g and bias b, its running mean m, and s the root of its running variance plus eps.
        relu: whether it ends in one.
    """

    def __init__(self, layer: ConvolutionNorm, relu: bool) -> None:
        convolution, norm = layer.convolution, layer.norm
        assert norm.running_mean is not None
        assert norm.running_var is not None
        scale = norm.weight.detach().double() / (norm.running_var.double() + norm.eps).sqrt()
        self.bias = (norm.bias.detach().double() - norm.running_mean.double() * scale).float()
        self.relu = relu
        self.stride, self.size = convolution.stride[0], convolution.kernel_size[0]
        self.padding = self.size // 2
        self.outputs, self.inputs = convolution.out_channels, convolution.in_channels
        self._hold((convolution.weight.detach().double() * scale[:, None, None, None]).float())

    @abstractmethod
    def _hold(self, weight: Tensor) -> None:
        """Take the folded weight, (outputs, inputs, size, size)."""

    @abstractmethod
    def __call__(self, x: Maps, added: Maps | None = None, room: int = 0) -> Maps:
        """Convolve.

        Args:
            x: with the room that the padding needs, or less, which costs a copy.
            added: of the result's size, and overwritten perhaps.
            room: that whoever reads the result needs.
        """


class KernelConvolution(FoldedConvolution):
    """By the kernel of `engine/kernels/convolution.h`; an image has the same bits in every batch."""

    def _hold(self, weight: Tensor) -> None:
        kernels = native.best()
        assert kernels is not None
        self._convolve = kernels.convolve
        rows = weight.permute(0, 2, 3, 1).reshape(self.outputs, -1).contiguous()
        panels = -(-self.outputs // kernels.panel)
        self._packed = LARGE_PAGES.empty(panels * kernels.panel * rows.size(1))
        kernels.pack(native.address(rows), *rows.shape, self._packed.data_ptr(), threads.count())
        activation = native.ACTIVATIONS.index("relu" if self.relu else "none")
        addresses = self._packed.data_ptr(), None, None, self.bias.data_ptr()
        self._weight = native.Weight(*addresses, rows.size(1), self.outputs, activation)

    def __call__(self, x: Maps, added: Maps | None = None, room: int = 0) -> Maps:
        """See `FoldedConvolution`."""
        x = x.with_room(self.padding)
        batch, rows, columns, channels = x.pixels.shape
        if channels != self.inputs:
            raise ValueError(f"{channels} channels for a convolution of {self.inputs}")
        height, width = (-(-(side - 2 * x.room) // self.stride) for side in (rows, columns))
        y = torch.empty(batch, height + 2 * room, width + 2 * room, self.outputs)
        if room:
            for border in (y[:, :room], y[:, y.size(1) - room :], y[:, :, :room], y[:, :, y.size(2) - room :]):
                border.zero_()
        start, pitch = x.room - self.padding, columns * channels
        strides = native.Strides(rows * pitch, self.stride * pitch, self.stride * channels)
        none = native.Strides(0, 0, 0)
        arguments = native.Convolution(
            self._weight,
            native.address(x.pixels) + 4 * (start * pitch + start * channels),
            None if added is None else _first_pixel(added),
            _first_pixel(Maps(y, room)),
            strides,
            none if added is None else native.Strides(*added.pixels.stride()[:3]),
            native.Strides(*y.stride()[:3]),
            batch, height, width, self.size, self.size * channels, pitch,
        )  # fmt: skip
        assert added is None or added.images().shape == (batch, self.outputs, height, width)
        self._convolve(addressof(arguments), threads.count())
        return Maps(y, room)


class TorchConvolution(FoldedConvolution):
    """By torch's oneDNN, channels last, where there are no kernels."""

    def _hold(self, weight: Tensor) -> None:
        self._weight = weight.contiguous(memory_format=torch.channels_last)
        self._fused = FUSED and torch.backends.mkldnn.is_available()
        self._packed = not self._fused
        self._lock = Lock()

    def __call__(self, x: Maps, added: Maps | None = None, room: int = 0) -> Maps:
        """See `FoldedConvolution`; it pads by itself, so it gives no room."""
        images = Maps.of(x.images()).images()
        if not self._packed:
            self._pack(images)
        kept = None if added is None else Maps.of(added.images()).images()
        if not self._fused:
            y = F.conv2d(images, self._weight, self.bias, self.stride, self.padding)
            y = y if kept is None else y.add_(kept)
            return Maps.of(y.relu_() if self.relu else y)
        operators: Any = torch.ops.mkldnn
        if kept is None:
            only = "relu" if self.relu else "none"
            y = operators._convolution_pointwise(images, self._weight, self.bias, *self._shape, only, [], None)
        else:
            end = "relu" if self.relu else None
            y = operators._convolution_pointwise_(
                kept, images, self._weight, self.bias, *self._shape, "add", 1.0, end, [], None
            )
        return Maps.of(y)

    @property
    def _shape(self) -> tuple[list[int], list[int], list[int], int]:
        return [self.padding] * 2, [self.stride] * 2, [1, 1], 1

    def _pack(self, images: Tensor) -> None:
        """Lay the weight out for the first size of images that comes; for another, oneDNN does so at each call."""
        with self._lock:
            if not self._packed:
                self._weight = torch.ops.mkldnn._reorder_convolution_weight(
                    self._weight, *self._shape, list(images.shape)
                )
                self._packed = True


def folded(layer: ConvolutionNorm, relu: bool) -> FoldedConvolution:
    """The fastest there is here."""
    return (TorchConvolution if native.best() is None else KernelConvolution)(layer, relu)


def _first_pixel(maps: Maps) -> int:
    _, row, column, _ = maps.pixels.stride()
    return native.address(maps.pixels) + 4 * maps.room * (row + column)
