"""First values of weights, on any device."""

import torch
from torch import Tensor, nn


def normal(*shape: int, std: float) -> Tensor:
    """A new tensor drawn from a normal distribution with mean 0.

    On the meta device, where models of known weights are built, nothing is drawn: there is nothing to fill, and torch
    would load its compiler for it, which takes seconds.

    Args:
        shape: of the tensor.
        std: standard deviation.
    """
    weight = torch.empty(shape)
    return weight if weight.is_meta else nn.init.normal_(weight, std=std)
