"""Whether a network is still the one that its config describes, and whether it is still the one that was packed."""

from collections.abc import Iterator
from functools import lru_cache
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
    kind: Any = type(model)
    ours, theirs = list(_modules(model)), list(_modules(_twin(kind, model.config)))
    return len(ours) == len(theirs) and all(map(_alike, ours, theirs))


@lru_cache(maxsize=4)
def _twin(kind: Any, config: Any) -> nn.Module:
    with torch.inference_mode(False), torch.device("meta"):
        twin: nn.Module = kind(config)
    return twin


class Snapshot:
    """What a network was when it was packed; made to be compared fast, since that is done before every batch.

    Args:
        model: the network.
    """

    def __init__(self, model: nn.Module) -> None:
        modules = list(dict.fromkeys(module for _, module in _modules(model)))
        self._model = model
        self._modules = [(module.__dict__, *_state(module.__dict__)) for module in modules]
        self._settings = [
            (module.__dict__, name, value) for module in modules for name, value in _settings(module).items()
        ]
        self._parameters = [
            (module._parameters, name, parameter, *_version(parameter))
            for module in modules
            for name, parameter in module._parameters.items()
            if parameter is not None
        ]

    def shows(self, model: nn.Module) -> bool:
        """Whether no weight has been changed, moved or exchanged since, and no module, setting or hook either."""
        return (
            model is self._model
            and all(_state(values) == (size, children, hooked) for values, size, children, hooked in self._modules)
            and all(values.get(name) is value for values, name, value in self._settings)
            and all(
                values.get(name) is parameter and _version(parameter) == (address, version)
                for values, name, parameter, address, version in self._parameters
            )
        )


def _state(values: dict[str, Any]) -> tuple[int, tuple[nn.Module | None, ...], bool]:
    """Of a module's attributes: how many there are, its children, and whether it has hooks."""
    hooked = bool(values["_forward_hooks"] or values["_forward_pre_hooks"])
    return len(values) + len(values["_parameters"]), tuple(values["_modules"].values()), hooked


def _version(parameter: nn.Parameter) -> tuple[int, int]:
    return parameter.data_ptr(), 0 if parameter.is_inference() else parameter._version


def _modules(module: nn.Module, name: str = "") -> Iterator[tuple[str, nn.Module]]:
    """A network's modules, each as often as it occurs."""
    yield name, module
    for key, child in module._modules.items():
        if child is not None:
            yield from _modules(child, key)


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
