"""Adam and AdamW with decay on weight matrices only."""

import torch
from torch import nn

from patchword.training.recipe import OptimizerConfig


def make_optimizer(model: nn.Module, config: OptimizerConfig) -> torch.optim.Optimizer:
    """The optimizer for all parameters of a model that need gradients.

    Weight decay acts on the matrices of linear and convolution layers; biases, norms, embeddings, positions and
    tokens are left alone, as in the papers' own code.

    Args:
        model: on its device already, since the fused update is chosen for that.
        config: which, and its numbers.
    """
    matrices = {id(m.weight) for m in model.modules() if isinstance(m, nn.Linear | nn.Conv2d)}
    parameters = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if id(p) in matrices], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if id(p) not in matrices], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    optimizer = torch.optim.AdamW if config.name == "adamw" else torch.optim.Adam
    return optimizer(groups, lr=config.learning_rate, betas=config.betas, eps=config.eps, fused=True)


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Use this rate from the next update on, in every group."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
