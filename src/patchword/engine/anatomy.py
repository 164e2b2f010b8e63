"""Whether a network is still the one that its config describes, and whether it is still the one that was packed."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as torch_module

# What a module has before its own constructor adds to it; and what says something of training alone.
_COMMON = frozenset(nn.Module().__dict__) | {"probability", "dropout"}


def is_as_described(model: nn.Module) -> bool:
    """Whether a network has the modules, the shapes and the settings that its config gives it, and no hooks.

    Its tensors' values and what acts in training alone may be any.

    Args:
        model: its class makes a network from `model.config`.
    """
    if torch_module._global_forward_hooks or torch_module._global_forward_pre_hooks:
        return False
    with torch.device("meta"):
        twin = type(model)(model.config)
    ours, theirs = list(_modules(model)), list(_modules(twin))
    return len(ours) == len(theirs) and all(map(_alike, ours, theirs))


class Snapshot:
    """What a network was when it was packed.

    Args:
        model: the network.
    """

    def __init__(self, model: nn.Module) -> None:
        self._parameters = _parameters(model)
        self._modules = [module for _, module in _modules(model)]
        self._hooked = list(map(_is_hooked, self._modules))
        self._sizes = [len(module.__dict__) for module in self._modules]
        self._settings = [
            (module.__dict__, name, value) for module in self._modules for name, value in _settings(module).items()
        ]

    def shows(self, model: nn.Module) -> bool:
        """Whether no weight has been changed, moved or exchanged since, and no module, setting or hook either."""
        modules = [module for _, module in _modules(model)]
        return (
            _parameters(model) == self._parameters
            and len(modules) == len(self._modules)
            and all(new is old for new, old in zip(modules, self._modules, strict=True))
            and list(map(_is_hooked, modules)) == self._hooked
            and [len(module.__dict__) for module in modules] == self._sizes
            and all(values.get(name) is value for values, name, value in self._settings)
        )


def _modules(module: nn.Module, name: str = "") -> Iterator[tuple[str, nn.Module]]:
    """A network's modules, each as often as it occurs."""
    yield name, module
    for key, child in module._modules.items():
        if child is not None:
            yield from _modules(child, key)


def _parameters(model: nn.Module) -> list[tuple[int, int]]:
    return [(p.data_ptr(), 0 if p.is_inference() else p._version) for p in model.parameters()]


def _is_hooked(module: nn.Module) -> bool:
    return bool(module._forward_hooks or module._forward_pre_hooks)


def _settings(module: nn.Module) -> dict[str, Any]:
    return {name: value for name, value in module.__dict__.items() if name not in _COMMON}


def _alike(ours: tuple[str, nn.Module], theirs: tuple[str, nn.Module]) -> bool:
    (name, module), (expected_name, expected) = ours, theirs
    if name != expected_name or type(module) is not type(expected) or _is_hooked(module):
        return False
    settings, wanted = _settings(module), _settings(expected)
    # An attribute of its own that stands before one of its class, such as another `forward`.
    replaced = any(hasattr(type(module), key) for key in settings.keys() - wanted.keys())
    return (
        not replaced
        and all(key in settings and _same(settings[key], value) for key, value in wanted.items())
        and _shapes(module) == _shapes(expected)
        and module._buffers.keys() == expected._buffers.keys()
    )


def _same(value: Any, expected: Any) -> bool:
    return value is expected or (type(value) is type(expected) and bool(value == expected))


def _shapes(module: nn.Module) -> dict[str, torch.Size | None]:
    return {name: None if p is None else p.shape for name, p in module._parameters.items()}
