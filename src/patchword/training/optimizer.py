"""Adam, AdamW and SGD with decay on weight matrices only, and smaller rates for layers further from the output."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from patchword.nn.recurrence import RecurrentLayer
from patchword.training.recipe import OptimizerConfig


def make_optimizer(
    model: nn.Module, config: OptimizerConfig, distance: Callable[[str], int] = lambda _: 0
) -> torch.optim.Optimizer:
    """The optimizer for all parameters of a model that need gradients.

    Weight decay acts on the matrices of linear, convolution and recurrent layers; biases, norms, embeddings, positions
    and tokens are left alone, as in the papers' own code. Layer-wise decay multiplies a parameter's rate by
    layer_decay ** distance, so that early layers, whose features are the most general, move the least
    (Clark et al. 2020, ELECTRA; Bao et al. 2022, BEiT; He et al. 2022, MAE).

    Args:
        model: on its device already, since the fused update is chosen for that.
        config: which, and its numbers.
        distance: from a parameter's name to its number of layers from the output; see `Model.depth`.
    """
    matrices = {id(matrix) for module in model.modules() for matrix in _matrices(module)}
    groups: dict[tuple[bool, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            factor = config.layer_decay ** distance(name) if config.layer_decay < 1 else 1.0
            groups.setdefault((id(parameter) in matrices, factor), []).append(parameter)
    ordered = sorted(groups.items(), key=lambda item: (not item[0][0], -item[0][1]))
    settings = [
        {"params": parameters, "weight_decay": config.weight_decay if decayed else 0.0, "rate_factor": factor}
        for (decayed, factor), parameters in ordered
    ]
    if config.name == "sgd":
        # torch's fused SGD does not know weights that are divided among processes.
        fused = not any(hasattr(parameter, "to_local") for parameter in model.parameters())
        return torch.optim.SGD(settings, config.learning_rate, momentum=config.momentum, nesterov=True, fused=fused)
    optimizer = torch.optim.AdamW if config.name == "adamw" else torch.optim.Adam
    return optimizer(settings, lr=config.learning_rate, betas=config.betas, eps=config.eps, fused=True)


def _matrices(module: nn.Module) -> Iterable[Tensor]:
    if isinstance(module, nn.Linear | nn.Conv2d):
        yield module.weight
    elif isinstance(module, RecurrentLayer):
        yield from (module.input_weight, module.hidden_weight)


def set_learning_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Use this rate from the next update on, in every group times the group's own factor."""
    for group in optimizer.param_groups:
        # The state of a run from before there were factors has none.
        group["lr"] = learning_rate * group.get("rate_factor", 1.0)
