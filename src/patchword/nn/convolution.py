"""Convolution with batch normalisation (Ioffe and Szegedy 2015), and downsampling without aliasing (Zhang 2019)."""

from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Convolution(nn.Conv2d):
    """A convolution without a bias, which the norm after it has; padded so that stride 1 keeps the image's size.

    Weights are drawn as in He et al. 2015, by the number of outputs ("fan out").

    Args:
        inputs: channels in.
        outputs: channels out.
        kernel_size: side of the kernel in pixels, odd.
        stride: in pixels.
    """

    def __init__(self, inputs: int, outputs: int, kernel_size: int, stride: int = 1) -> None:
        super().__init__(inputs, outputs, kernel_size, stride, kernel_size // 2, bias=False)

    def reset_parameters(self) -> None:
        """Draw the weights anew; on the meta device nothing is drawn, see `nn.initialisation`."""
        if not self.weight.is_meta:
            nn.init.kaiming_normal_(self.weight, mode="fan_out", nonlinearity="relu")


class Rows(Protocol):
    """The rows of a batch that several processes have divided among them; `rows` is the number of all of them."""

    rows: int

    def sum(self, values: Tensor) -> Tensor:
        """All processes' values added up, with a gradient."""


class BatchNorm(nn.BatchNorm2d):
    """torch's batch normalisation without its counter of batches, which nothing reads while the momentum is fixed.

    In evaluation mode it normalises by running statistics, which move in training mode alone. Where several processes
    share a batch (`shared`), statistics are those of all its rows, so that they are the same as in one process.

    Args:
        channels: of the image.
        eps: added to the variance.
        momentum: share of a batch's statistics in the running ones.
    """

    num_batches_tracked: None
    shared: Rows | None = None
    resting = False  # whether running statistics stay as they are, in training mode too

    def __init__(self, channels: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__(channels, eps, momentum)
        self.num_batches_tracked = None

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width) in, the same shape out.

        One value a channel has no variance, so it is normalised by the running statistics: an epoch's last batch may
        be a single image, whose maps are one pixel at the end.
        """
        if self.training:
            count = x.numel() // x.size(1) if self.shared is None else self.shared.rows * x.size(2) * x.size(3)
            if count == 1:
                return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
            if self.resting:
                # Copies move, so that autograd keeps as many tensors as where the statistics do.
                mean, variance = (kept if kept is None else kept.clone() for kept in self.buffers())
                return F.batch_norm(x, mean, variance, self.weight, self.bias, training=True, eps=self.eps)
            # torch moves them without counting it as a change, which whoever holds folded weights must see. Before
            # the step, since autograd keeps them for the backward pass.
            torch.autograd.graph.increment_version([b for b in self.buffers() if not b.is_inference()])
            if self.shared is not None:
                return self._over_all(x, count, self.shared)
        return super().forward(x)

    def _over_all(self, x: Tensor, count: int, shared: Rows) -> Tensor:
        """Normalised by the statistics of `count` values a channel, of which this process has some."""
        values = x.float()
        mean = shared.sum(values.sum((0, 2, 3))) / count
        centred = values - mean[:, None, None]
        variance = shared.sum(centred.square().sum((0, 2, 3))) / count
        momentum: Any = self.momentum
        with torch.no_grad():
            self.running_mean.lerp_(mean, momentum)  # type: ignore[union-attr]
            self.running_var.lerp_(variance * (count / (count - 1)), momentum)  # type: ignore[union-attr]
        scale = self.weight * (variance + self.eps).rsqrt()
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(x.dtype)

    def _load_from_state_dict(self, *arguments: Any, **named: Any) -> None:
        # torch's own would add the counter to a state dict that lacks it.
        nn.Module._load_from_state_dict(self, *arguments, **named)


def share_statistics(module: nn.Module, rows: Rows) -> None:
    """Have all batch norms of a module normalise by the rows of all processes."""
    for each in module.modules():
        if isinstance(each, BatchNorm):
            each.shared = rows


class ConvolutionNorm(nn.Module):
    """Convolution, then batch norm; the activation is its user's.

    Args:
        inputs: channels in.
        outputs: channels out.
        kernel_size: side of the kernel in pixels.
        stride: in pixels.
        eps: see `BatchNorm`.
        momentum: see `BatchNorm`.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel_size: int, stride: int = 1, *, eps: float = 1e-5, momentum: float = 0.1
    ) -> None:
        super().__init__()
        self.convolution = Convolution(inputs, outputs, kernel_size, stride)
        self.norm = BatchNorm(outputs, eps, momentum)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs, height, width) in, (batch, outputs, height / stride, width / stride) out, rounded up."""
        return self.norm(self.convolution(x))


class Blur(nn.Module):
    """Halves an image after a small blur, so that it shifts with its input ("BlurPool", Zhang 2019)."""

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width) in, half of both sides, rounded up, out."""
        row = torch.tensor([0.25, 0.5, 0.25], dtype=x.dtype, device=x.device)
        kernel = (row[:, None] * row).expand(x.size(1), 1, 3, 3)
        return F.conv2d(F.pad(x, (1, 1, 1, 1), "reflect"), kernel, stride=2, groups=x.size(1))
