"""The building blocks of "Deep Residual Learning for Image Recognition" (He et al. 2016)."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from patchword.nn.convolution import Blur, ConvolutionNorm
from patchword.nn.dropout import DropPath
from patchword.nn.trace import AttentionTrace

REDUCTION = 4  # a bottleneck's outputs for each channel of its 3x3 (table 1)

_MAPS = ("batch", "channel", "row", "column")


@dataclass(frozen=True)
class BlockOptions:
    """What all blocks of a network have in common.

    Attributes:
        bottleneck: 1x1, 3x3, 1x1 (figure 5, right) instead of two 3x3.
        stride_first: a bottleneck's first convolution has the stride, as in the paper, instead of its 3x3.
        shortcut: where the shape changes (section 3.3): "projection", a 1x1 convolution (option B); "average", which
            averages pixels before an unstrided one (He et al. 2019, "ResNet-D"); "padded", zeros as the new channels
            (option A).
        blur: halve behind a blur instead of by the stride (Zhang 2019).
        zero_last_norm: a block begins as the identity: its last norm's weight is zero (Goyal et al. 2017).
        norm_eps: see `BatchNorm`.
        norm_momentum: see `BatchNorm`.
    """

    bottleneck: bool = False
    stride_first: bool = False
    shortcut: Literal["projection", "average", "padded"] = "projection"
    blur: bool = False
    zero_last_norm: bool = True
    norm_eps: float = 1e-5
    norm_momentum: float = 0.1

    def unit(self, inputs: int, outputs: int, kernel_size: int, stride: int = 1) -> ConvolutionNorm:
        """A convolution with its norm."""
        norm = {"eps": self.norm_eps, "momentum": self.norm_momentum}
        return ConvolutionNorm(inputs, outputs, kernel_size, stride, **norm)


class ResidualBlock(nn.Module):
    """y = relu(F(x) + x) (equations 1 and 2), where F is two or three convolutions with a norm each, and relu between.

    Args:
        inputs: channels in.
        outputs: channels out.
        stride: 1, or 2 to halve the image.
        options: see `BlockOptions`.
        drop_path: probability of dropping F for an image.

    Attributes:
        layers: the convolutions of F.
        blur_after: the place of the layer whose output is blurred and halved, or None.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, options: BlockOptions, drop_path: float = 0.0) -> None:
        super().__init__()
        if options.bottleneck:
            shapes = [(inputs, outputs // REDUCTION, 1), (outputs // REDUCTION, outputs // REDUCTION, 3)]
            shapes.append((outputs // REDUCTION, outputs, 1))
            strided = 0 if options.stride_first else 1
        else:
            shapes, strided = [(inputs, outputs, 3), (outputs, outputs, 3)], 0
        self.blur_after = strided if options.blur and stride > 1 else None
        layers = [
            options.unit(*shape, stride if place == strided and self.blur_after is None else 1)
            for place, shape in enumerate(shapes)
        ]
        if options.zero_last_norm:
            nn.init.zeros_(layers[-1].norm.weight)
        self.layers = nn.ModuleList(layers)
        self.shortcut = _shortcut(inputs, outputs, stride, options)
        self.blur = Blur()
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor, trace: AttentionTrace | None = None) -> Tensor:
        """(batch, inputs, height, width) in, (batch, outputs, height / stride, width / stride) out, rounded up.

        The trace is told F(x), a shortcut that is not x itself, and y.
        """
        y = x
        for place, layer in enumerate(self.layers):
            y = layer(y)
            if place < len(self.layers) - 1:
                y = F.relu(y, inplace=True)
            if place == self.blur_after:
                y = self.blur(y)
        shortcut = self.shortcut(x)
        if trace is not None:
            trace.note("branch", _MAPS, y)
            if shortcut is not x:
                trace.note("shortcut", _MAPS, shortcut)
        y = F.relu(shortcut + self.drop_path(y), inplace=True)
        if trace is not None:
            trace.note("block_output", _MAPS, y)
        return y


class AverageProjection(nn.Module):
    """Average of 2 x 2 pixels, then a 1x1 convolution: no pixel is passed over (He et al. 2019, section 4.2).

    Args:
        projection: the convolution with its norm, of stride 1.
        stride: 1 or 2.
    """

    def __init__(self, projection: ConvolutionNorm, stride: int) -> None:
        super().__init__()
        self.projection = projection
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs, height, width) in, (batch, outputs, height / stride, width / stride) out, rounded up."""
        return self.projection(self.averaged(x))

    def averaged(self, x: Tensor) -> Tensor:
        """What the convolution reads."""
        return x if self.stride == 1 else F.avg_pool2d(x, 2, self.stride, ceil_mode=True, count_include_pad=False)


class PaddedShortcut(nn.Module):
    """Every `stride`-th pixel, with zeros as the channels that are new: no parameters (option A of section 3.3).

    Args:
        channels: that are added.
        stride: in pixels.
    """

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.channels = channels
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs, height, width) in, (batch, outputs, height / stride, width / stride) out, rounded up."""
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.channels))


class Stem(nn.Module):
    """What comes before the blocks.

    Args:
        channels: of the image.
        width: channels out.
        kind: "imagenet", 7x7 with stride 2, then the largest of 3x3 with stride 2 (table 1); "cifar", one 3x3 (4.2).
        options: see `BlockOptions`.
    """

    def __init__(self, channels: int, width: int, kind: Literal["imagenet", "cifar"], options: BlockOptions) -> None:
        super().__init__()
        large = kind == "imagenet"
        self.layer = options.unit(channels, width, 7, 2) if large else options.unit(channels, width, 3)
        if not large:
            self.pool: nn.Module = nn.Identity()
        elif options.blur:
            self.pool = nn.Sequential(nn.MaxPool2d(3, 1, 1), Blur())
        else:
            self.pool = nn.MaxPool2d(3, 2, 1)

    def forward(self, x: Tensor, trace: AttentionTrace | None = None) -> Tensor:
        """(batch, channels, height, width) in, (batch, width, ...) out: a quarter of both sides, or all of them."""
        y = F.relu(self.layer(x), inplace=True)
        pooled: Tensor = self.pool(y)
        if trace is not None:
            trace.note("convolution", _MAPS, y)
            if pooled is not y:
                trace.note("pool", _MAPS, pooled)
        return pooled


def _shortcut(inputs: int, outputs: int, stride: int, options: BlockOptions) -> nn.Module:
    if inputs == outputs and stride == 1:
        return nn.Identity()
    if options.shortcut == "padded":
        return PaddedShortcut(outputs - inputs, stride)
    if options.shortcut == "average":
        return AverageProjection(options.unit(inputs, outputs, 1), stride)
    return options.unit(inputs, outputs, 1, stride)
