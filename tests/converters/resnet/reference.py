"""ResNets of the reference libraries, with weights and statistics that hide nothing."""

from typing import Any

import torch
from torch import nn


def randomise(model: nn.Module, seed: int = 0) -> Any:
    """Fill every parameter and every running statistic, so that none is passed over unnoticed.

    A block's last norm is small, so that the sum over many blocks stays in the range in which float32 is exact enough.
    """
    generator = torch.Generator().manual_seed(seed)

    def draw(tensor: torch.Tensor, scale: float, centre: float) -> None:
        tensor.copy_(torch.randn(tensor.shape, generator=generator) * scale + centre)

    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Conv2d):
                draw(module.weight, (2 / module.weight[0].numel()) ** 0.5, 0.0)
            elif isinstance(module, nn.Linear):
                draw(module.weight, module.in_features**-0.5, 0.0)
                draw(module.bias, 0.3, 0.0)
            elif isinstance(module, nn.BatchNorm2d):
                draw(module.weight, 0.1, 0.4)
                draw(module.bias, 0.2, 0.0)
                draw(module.running_mean, 0.2, 0.0)
                module.running_var.copy_(torch.rand(module.running_var.shape, generator=generator) + 0.5)
                if module.num_batches_tracked is not None:
                    module.num_batches_tracked.fill_(7)
    return model.eval()
