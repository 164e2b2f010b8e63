"""From a saved state back to a model, an optimizer and averages; nothing is used before it is seen to fit."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from patchword.errors import RunFolderError, shown
from patchword.training.averaging import ExponentialAverage, weights_of
from patchword.training.events import Listener, Note
from patchword.training.finite import all_finite
from patchword.training.held import Held
from patchword.training.state import Progress, load_state, restore_random_states
from patchword.training.task import Task


def restore(file: Path, task: Task, held: Held, listener: Listener) -> Progress:
    """Go back to a saved state: fill model, optimizer and averages, and set the random generators.

    Args:
        file: the state's.
        task: with the data that the run is to go on with.
        held: model, optimizer and average, made by the run's recipe; the optimizer's numbers, which the recipe has,
            stay as they are.
        listener: hears that an old state does not know its data.

    Returns:
        where the run is.

    Raises:
        RunFolderError: if there is no state, it is damaged, it is another recipe's, or the data are not what they were.
    """
    progress, values = load_state(file)
    if values["data"] is None:
        listener(
            Note("the saved state is from before states knew their data; whether these are the same is not checked")
        )
    elif changed := task.fingerprint.difference(values["data"]):
        remedy = "put them back, or begin a run in another folder"
        raise RunFolderError(file.parent.parent, f"the data have changed since the run began: {changed}; {remedy}")
    try:
        _fill(held.model, held.optimizer, held.average, values)
        batches = len(task.epoch(progress.epoch))
        if progress.batch >= batches:
            raise ValueError(f"progress.batch = {progress.batch}, but an epoch has {batches:,} batches")
        for name in progress.checkpoints:
            if not file.with_name(name).is_file():
                raise ValueError(f"{name} is not beside it")
        restore_random_states(values["random"])
    except ValueError as error:
        raise RunFolderError(file, f"the saved state is damaged or another recipe's: {error}") from None
    return progress


def check_fit(path: Path, found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    """See that kept weights are those of a model.

    Raises:
        RunFolderError: naming what is missing, has another shape, or is no number.
    """
    try:
        _check("weights", found, wanted)
    except ValueError as error:
        raise RunFolderError(path, str(error)) from None


def _fill(
    model: nn.Module, optimizer: torch.optim.Optimizer, average: ExponentialAverage | None, values: Mapping[str, Any]
) -> None:
    device = next(model.parameters()).device
    _check("model", values["model"], model.state_dict())
    if average is not None:
        if values["average"] is None:
            raise ValueError("it has no average")
        _check("average", values["average"], weights_of(model))
        average.weights = {
            name: _laid_out(values["average"][name], weight).to(device) for name, weight in weights_of(model).items()
        }
    _restore_optimizer(optimizer, values["optimizer"])
    model.load_state_dict(values["model"])


def _check(where: str, found: Mapping[Any, Any], wanted: Mapping[str, Tensor]) -> None:
    if found.keys() != wanted.keys():
        missing, more = (
            sorted(map(str, names)) for names in (wanted.keys() - found.keys(), found.keys() - wanted.keys())
        )
        what = f"{where}: {shown(missing[0])} is missing" if missing else f"{where}: unexpected {shown(more[0])}"
        raise ValueError(what)
    for name, tensor in wanted.items():
        _check_tensor(f"{where}: {name}", found[name], tensor)
    if not all_finite(found.values()):
        raise ValueError(f"{where}: holds values that are infinite or not a number")


def _check_tensor(where: str, found: Any, wanted: Tensor) -> None:
    if not isinstance(found, Tensor) or found.layout != torch.strided or found.is_meta:
        raise ValueError(f"{where} is no tensor")
    if found.shape != wanted.shape or found.dtype != wanted.dtype:
        kinds = [f"{str(t.dtype).removeprefix('torch.')} {tuple(t.shape)}" for t in (found, wanted)]
        raise ValueError(f"{where} is {kinds[0]}, expected {kinds[1]}")


def _laid_out(found: Tensor, wanted: Tensor) -> Tensor:
    """In memory as the other; a damaged one may have all its elements in one place."""
    return found if found.stride() == wanted.stride() else torch.empty_like(wanted, device="cpu").copy_(found).detach()


def _restore_optimizer(optimizer: torch.optim.Optimizer, found: Mapping[str, Any]) -> None:
    """The optimizer's tensors; the numbers of its groups are the recipe's, so those of the state are not needed."""
    groups, tensors = found.get("param_groups"), found.get("state")
    own = optimizer.state_dict()["param_groups"]
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    proper = isinstance(groups, list) and all(isinstance(group, dict) for group in groups)
    if not proper or [group.get("params") for group in groups or []] != [group["params"] for group in own]:
        raise ValueError("optimizer: its parameters are not the model's")
    if not isinstance(tensors, dict) or not all(type(i) is int and 0 <= i < len(parameters) for i in tensors):
        raise ValueError("optimizer: its state is not that of the model's parameters")
    names = _names(optimizer)
    for index, state in tensors.items():
        if not isinstance(state, dict) or state.keys() != names:
            raise ValueError(f"optimizer: parameter {index} has not the values {', '.join(sorted(names))}")
        for name, value in state.items():
            if name == "step":
                if not (
                    isinstance(value, Tensor) and value.dtype == torch.float32 and value.shape == () and value >= 0
                ):
                    raise ValueError(f"optimizer: parameter {index} has no number of steps")
            elif value is not None or name != "momentum_buffer":
                _check_tensor(f"optimizer: {name} of parameter {index}", value, parameters[index])
    every = [v for state in tensors.values() for v in state.values() if isinstance(v, Tensor)]
    if not all_finite(every):
        raise ValueError("optimizer: holds values that are infinite or not a number")
    laid_out = {
        index: {
            name: _laid_out(value, parameters[index]) if name != "step" and value is not None else value
            for name, value in state.items()
        }
        for index, state in tensors.items()
    }
    optimizer.load_state_dict({"state": laid_out, "param_groups": own})


def _names(optimizer: torch.optim.Optimizer) -> set[str]:
    return {"momentum_buffer"} if isinstance(optimizer, torch.optim.SGD) else {"step", "exp_avg", "exp_avg_sq"}
