"""Convolutions with the batch norm that follows them folded in: one call for convolution, addition and relu."""

from abc import abstractmethod
from ctypes import byref
from threading import Lock
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from patchword.engine import native, threads
from patchword.engine.maps import NO_MAPS, Maps
from patchword.engine.tensors import uninitialised
from patchword.nn.convolution import ConvolutionNorm

# The operators that torch's compiler makes of a convolution and what follows it; called by hand here.
FUSED = all(
    hasattr(torch.ops.mkldnn, name)
    for name in ("_convolution_pointwise", "_convolution_pointwise_", "_reorder_convolution_weight")
)

WINOGRAD = range(16, 512)  # inputs of a 3x3 that takes less time so
POINTS = 36  # of a tile, see `winograd.h`


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
    """By the kernels in `winograd.h` or `convolution.h`; an image has the same bits in every batch."""

    def _hold(self, weight: Tensor) -> None:
        kernels = native.best()
        assert kernels is not None
        rows = weight.permute(0, 2, 3, 1).reshape(self.outputs, -1).contiguous()
        count = -(-self.outputs // kernels.panel) * kernels.panel * self.inputs
        winograd = self.size == 3 and self.stride == 1 and self.inputs in WINOGRAD
        self._packed = uninitialised((POINTS if winograd else self.size**2) * count)
        activation = native.ACTIVATIONS.index("relu" if self.relu else "none")
        addresses = self._packed.data_ptr(), None, None, self.bias.data_ptr()
        float32 = native.PRECISIONS.index("float32")
        self._weight = native.Weight(*addresses, rows.size(1), self.outputs, activation, float32)
        if winograd:
            self.kernel = kernels.convolve_winograd
            kernels.pack_winograd(rows.data_ptr(), self.outputs, self.inputs, self._packed.data_ptr(), threads.count())
        else:
            self.kernel = kernels.convolve
            kernels.pack(rows.data_ptr(), byref(self._weight), threads.count())

    def __call__(self, x: Maps, added: Maps | None = None, room: int = 0) -> Maps:
        """See `FoldedConvolution`."""
        x = x.with_room(self.padding)
        given = x.argument()
        if given.channels != self.inputs:
            raise ValueError(f"{given.channels} channels for a convolution of {self.inputs}")
        y = Maps.empty(given.batch, *self.result(given.height, given.width), self.outputs, room)
        more = NO_MAPS if added is None else added.argument()
        self.kernel(byref(self.arguments(given, more, y.argument())), threads.count())
        return y

    def result(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of what comes of images of this size."""
        return -(-height // self.stride), -(-width // self.stride)

    def arguments(self, x: Any, added: Any, y: Any) -> Any:
        """For the kernel: native.Maps each, `NO_MAPS` where nothing is added."""
        assert not added.pixels or (added.batch, added.height, added.width, added.channels) == (
            y.batch, y.height, y.width, y.channels,
        )  # fmt: skip
        return native.Convolution(self._weight, x, added, y, self.size, self.stride)


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
        operators: Any = torch.ops.mkldnn
        if not self._fused:
            y = F.conv2d(images, self._weight, self.bias, self.stride, self.padding)
            y = y if kept is None else y.add_(kept)
        elif kept is None:
            y = operators._convolution_pointwise(images, self._weight, self.bias, *self._shape, "none", [], None)
        else:
            y = operators._convolution_pointwise_(
                kept, images, self._weight, self.bias, *self._shape, "add", 1.0, None, [], None
            )
        # oneDNN's own relu makes zeros of what is not a number.
        return Maps.of(y.relu_() if self.relu else y)

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
