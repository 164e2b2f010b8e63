"""Parts of a model that do not train: no gradients, no optimizer state, no dropout."""

from collections.abc import Sequence

from torch import nn


def freeze(model: nn.Module, parts: Sequence[str]) -> None:
    """Stop gradients at some parts; where nothing below them trains either, autograd then keeps no graph.

    Args:
        model: the whole network.
        parts: names of submodules or parameters, such as "encoder" and "class_token".
    """
    for name, parameter in model.named_parameters(remove_duplicate=False):
        if any(name == part or name.startswith(f"{part}.") for part in parts):
            parameter.requires_grad_(False)


def train_mode(model: nn.Module, frozen: Sequence[str]) -> None:
    """Training mode, but for the frozen parts: a frozen layer's answers stay the same, without dropout or drop path."""
    model.train()
    modules = dict(model.named_modules())
    for name in frozen:
        if name in modules:
            modules[name].eval()
