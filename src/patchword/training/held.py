"""How a process holds the network that it trains: whole and alone; held.several has the other ways."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from patchword.training.averaging import ExponentialAverage
from patchword.training.finite import gradient_norm
from patchword.training.freezing import freeze
from patchword.training.group import Alone
from patchword.training.optimizer import make_optimizer
from patchword.training.recipe import Recipe
from patchword.training.task import BatchLoss, Task


class Held:
    """The whole network on one device, and all that training keeps of it.

    Attributes:
        model: what trains; where several processes have a share of each weight, not the task's own.
        optimizer: of its parameters.
        average: of its weights, or None.

    Args:
        task: whose model it is.
        recipe: optimizer, and whether there is an average.
        device: where to compute.
        group: the processes that train it.
    """

    def __init__(self, task: Task, recipe: Recipe, device: torch.device, group: Alone) -> None:
        self.task, self.recipe, self.device, self.group = task, recipe, device, group
        self._take(task.model.to(self._first_place()))

    def _first_place(self) -> torch.device:
        """Where the network is while it is made and restored."""
        return self.device

    def _take(self, model: Any) -> None:
        """Make optimizer and average for a network."""
        self.model = model
        freeze(model, self.task.frozen)
        self.optimizer = make_optimizer(model, self.recipe.optimizer, self.task.model.depth)
        decay = self.recipe.training.ema_decay
        self.average = ExponentialAverage(model, decay) if decay else None

    def begin(self) -> None:
        """Give the other processes what the first one has made or restored; once, before the first update."""

    def loss(self, tensors: Any) -> BatchLoss:
        """Of one loaded batch; the model is in training mode."""
        return self.task.loss(self.model, tensors)

    def adding(self, last: bool) -> AbstractContextManager[Any]:
        """Around one of several batches of an update: before the last one, gradients need not be exchanged."""
        return nullcontext()

    def clip(self, count: int, most: float | None) -> float:
        """Divide all processes' summed gradients by the number of items, and scale them down to a norm.

        Args:
            count: items of all processes.
            most: the norm; None for any.

        Returns:
            the norm before.
        """
        parameters = [p for p in self.model.parameters() if p.grad is not None]
        gradients: list[Tensor] = [p.grad for p in parameters if p.grad is not None]
        torch._foreach_mul_(gradients, self._summed() / count)
        norm = gradient_norm(gradients) if most is None else torch.nn.utils.clip_grad_norm_(parameters, most)
        return float(whole(norm))

    def _summed(self) -> int:
        """What makes a sum of the gradients as they are after a backward pass."""
        return 1

    @contextmanager
    def evaluated(self) -> Iterator[Any]:
        """A network for the first process to validate and keep, with the weights as they are now."""
        yield self.model

    def averaged(self) -> Mapping[str, Tensor] | None:
        """The average's whole weights, by name, where there is an average."""
        return None if self.average is None else self.average.weights

    def values(self) -> dict[str, Any]:
        """What a state keeps: "model", "optimizer" and "average", as one process has them."""
        return {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(), "average": self.averaged()}


def whole(tensor: Any) -> Tensor:
    """A tensor as one process has it; of one that is divided among several, all must ask."""
    result: Tensor = tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor
    return result


class Step(nn.Module):
    """A task's loss as a module with nothing but `forward`, which is what torch can wrap.

    Args:
        task: whose loss it is.
        model: see `Task.loss`.
    """

    def __init__(self, task: Task, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self._task = task

    def forward(self, tensors: Any) -> tuple[Tensor, int, Tensor]:
        """A `BatchLoss` as a tuple, in which torch finds the tensors."""
        loss = self._task.loss(self.model, tensors)
        return loss.total, loss.count, loss.plain
