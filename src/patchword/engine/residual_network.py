"""A ResNet with its batch norms folded into the convolutions, which run fused in torch's oneDNN, channels last."""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from patchword.engine.layers import empty
from patchword.models.residual_network import ResidualNetwork
from patchword.nn.convolution import ConvolutionNorm
from patchword.nn.residual_block import AverageProjection, PaddedShortcut, ResidualBlock, Stem

# The operators that torch's compiler makes of a convolution and what follows it; called by hand here.
_FUSED = all(
    hasattr(torch.ops.mkldnn, name)
    for name in ("_convolution_pointwise", "_convolution_pointwise_", "_reorder_convolution_weight")
)


class PackedResidualNetwork(nn.Module):
    """The same network for inference: convolutions that end in their bias, an addition and a relu.

    Args:
        model: in evaluation mode.
        consume: empty the model's layers as they are packed.
    """

    def __init__(self, model: ResidualNetwork, consume: bool = False) -> None:
        super().__init__()
        self.config = model.config
        self.stem = _PackedStem(model.stem)
        if consume:
            empty(model.stem)
        self.blocks = nn.ModuleList()
        for stage in model.stages:
            for block in cast(Sequence[ResidualBlock], stage):
                self.blocks.append(_PackedBlock(block))
                if consume:
                    empty(block)
        self.head = model.head

    def features(self, images: Tensor) -> Tensor:
        """See `ImageModel.features`."""
        x = self.stem(images.contiguous(memory_format=torch.channels_last))
        for block in self.blocks:
            x = block(x)
        return x.mean((2, 3))

    def forward(self, images: Tensor) -> Tensor:
        """See `ImageModel.forward`."""
        logits: Tensor = self.head(self.features(images))
        return logits


class FoldedConvolution:
    """relu(convolution(x) + bias), or relu(convolution(x) + bias + added): one call each.

    Args:
        layer: a convolution and its norm, in evaluation mode; w' = w g / s and b' = b - m g / s, with the norm's
            weight g and bias b, running mean m and s the root of the running variance plus eps.
        relu: whether it ends in one.
    """

    def __init__(self, layer: ConvolutionNorm, relu: bool) -> None:
        convolution, norm = layer.convolution, layer.norm
        assert norm.running_mean is not None
        assert norm.running_var is not None
        scale = norm.weight.detach().double() / (norm.running_var.double() + norm.eps).sqrt()
        weight = convolution.weight.detach().double() * scale[:, None, None, None]
        self.bias = (norm.bias.detach().double() - norm.running_mean.double() * scale).float()
        self.relu = relu
        self.stride, self.padding = list(convolution.stride), [convolution.kernel_size[0] // 2] * 2
        self._weight = weight.float().contiguous(memory_format=torch.channels_last)
        self._fused = _FUSED and torch.backends.mkldnn.is_available()
        self._packed = not self._fused
        self._lock = Lock()

    def __call__(self, x: Tensor, added: Tensor | None = None) -> Tensor:
        """(batch, inputs, height, width), channels last, and perhaps a tensor of the output's shape, overwritten."""
        if not self._packed:
            self._pack(x)
        if not self._fused:
            y = F.conv2d(x, self._weight, self.bias, self.stride, self.padding)
            y = y if added is None else y.add_(added)
            return y.relu_() if self.relu else y
        operators: Any = torch.ops.mkldnn
        shape = self.padding, self.stride, [1, 1], 1
        if added is None:
            end = "relu" if self.relu else "none"
            return operators._convolution_pointwise(x, self._weight, self.bias, *shape, end, [], None)
        return operators._convolution_pointwise_(
            added, x, self._weight, self.bias, *shape, "add", 1.0, "relu" if self.relu else None, [], None
        )

    def _pack(self, x: Tensor) -> None:
        """Lay the weight out for the first size of images that comes; for another, oneDNN does so at each call."""
        with self._lock:
            if not self._packed:
                shape = self.padding, self.stride, [1, 1], 1, list(x.shape)
                self._weight = torch.ops.mkldnn._reorder_convolution_weight(self._weight, *shape)
                self._packed = True


class _PackedStem(nn.Module):
    def __init__(self, stem: Stem) -> None:
        super().__init__()
        self.convolution = FoldedConvolution(stem.layer, relu=True)
        self.pool = stem.pool

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(self.convolution(x))


class _PackedBlock(nn.Module):
    def __init__(self, block: ResidualBlock) -> None:
        super().__init__()
        layers = cast(Sequence[ConvolutionNorm], block.layers)
        self.layers = [FoldedConvolution(layer, relu=True) for layer in layers]
        self.blur_after, self.blur = block.blur_after, block.blur
        shortcut: Any = block.shortcut
        self.prepare: Callable[[Tensor], Tensor] = _same
        if isinstance(shortcut, AverageProjection):
            self.prepare, shortcut = shortcut.averaged, shortcut.projection
        elif isinstance(shortcut, PaddedShortcut):
            self.prepare = shortcut
        self.projection = FoldedConvolution(shortcut, relu=False) if isinstance(shortcut, ConvolutionNorm) else None

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for place, layer in enumerate(self.layers[:-1]):
            y = layer(y)
            if place == self.blur_after:
                y = self.blur(y)
        kept = self.prepare(x)
        kept = kept if self.projection is None else self.projection(kept)
        return self.layers[-1](y, kept.contiguous(memory_format=torch.channels_last))


def _same(x: Tensor) -> Tensor:
    return x
