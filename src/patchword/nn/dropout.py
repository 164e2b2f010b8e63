"""Dropout (Srivastava et al. 2014) and stochastic depth (Huang et al. 2016)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def dropout(x: Tensor, probability: float, training: bool) -> Tensor:
    """Zero elements of x at random and scale the others by 1 / (1 - probability), in training only.

    On the CPU one 64-bit random number decides eight elements, a byte each: drawing a number for every element took
    a sixth of a small model's training step. The probability is then rounded to a multiple of 1/256.
    """
    if not training or probability == 0.0:
        return x
    if x.device.type != "cpu":
        return F.dropout(x, probability, training=True)
    threshold = min(round(probability * 256), 255)  # 256 would keep nothing, and divide by zero
    words = torch.empty((x.numel() + 7) // 8, dtype=torch.int64).random_(-(2**63), None)
    kept = words.view(torch.uint8)[: x.numel()].view(x.shape) >= threshold
    return x * (kept * (256.0 / (256 - threshold))).to(x.dtype)


class Dropout(nn.Module):
    """`dropout` as a module: it acts while `training` is set.

    Args:
        probability: of an element being dropped, 0 <= probability < 1.

    Raises:
        ValueError: if the probability is outside that range.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        if not 0.0 <= probability < 1.0:
            raise ValueError(f"dropout probability must be in [0, 1), not {probability}")
        self.probability = probability

    def forward(self, x: Tensor) -> Tensor:
        """Any shape in, the same shape out."""
        return dropout(x, self.probability, self.training)

    def extra_repr(self) -> str:
        """Show the probability in the printed model."""
        return f"{self.probability}"


class DropPath(nn.Module):
    """Stochastic depth: drops a residual branch for whole samples of the batch (DeiT, timm's `drop_path`).

    Args:
        probability: of a sample losing the branch.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: Tensor) -> Tensor:
        """(batch, ...) in, the same shape out."""
        if not self.training or self.probability == 0.0:
            return x
        kept = 1.0 - self.probability
        shape = (x.size(0),) + (1,) * (x.dim() - 1)
        return x * (torch.rand(shape, device=x.device, dtype=x.dtype) < kept).to(x.dtype) / kept
