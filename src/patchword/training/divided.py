"""A network that several processes train, by torch's DistributedDataParallel or FSDP2."""

import copy
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.nn.parallel import DistributedDataParallel

from patchword.models.tensors import named_tensors
from patchword.nn.convolution import share_statistics
from patchword.training.averaging import weights_of
from patchword.training.held import Held, Step, whole
from patchword.training.task import BatchLoss

Place = Callable[[Tensor, Tensor], Tensor]


class Replicated(Held):
    """Every process has all weights; gradients are added up while they are computed (Li et al. 2020, PyTorch DDP)."""

    _step: nn.Module

    def begin(self) -> None:
        """See `Held.begin`."""
        # Gloo and NCCL find others' tensors by their order alone.
        for _, tensor in sorted(named_tensors(self.model).items()):
            dist.broadcast(tensor, 0)
        for _, tensor in sorted((self.averaged() or {}).items()):
            dist.broadcast(tensor, 0)
        self._spread(self.optimizer, _received)
        share_statistics(self.model, self.group)
        self._step = self._wrapped()

    def _wrapped(self) -> nn.Module:
        step = Step(self.task, self.model)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of the option's new name, which older versions do not have
            # A batch norm's statistics are those of all processes' rows, so all have the same.
            return DistributedDataParallel(step, broadcast_buffers=False, gradient_as_bucket_view=True)

    def _spread(self, source: torch.optim.Optimizer, place: Place) -> None:
        """Fill this process's optimizer with what the first one's `source` has."""
        state: dict[int, dict[str, Any]] = source.state_dict()["state"]
        kinds = self.group.first_alone(
            lambda: {i: {n: v if v is None else (v.shape, v.dtype) for n, v in s.items()} for i, s in state.items()}
        )
        if not kinds:
            return
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        filled: dict[int, dict[str, Any]] = {}
        for index, names in kinds.items():
            filled[index] = {}
            for name, kind in names.items():
                if kind is None:
                    filled[index][name] = None
                    continue
                found = state[index][name] if self.group.first else torch.empty(kind[0], dtype=kind[1])
                filled[index][name] = place(found.to(self.device), parameters[index])
        self.optimizer.load_state_dict({"state": filled, "param_groups": self.optimizer.state_dict()["param_groups"]})

    def loss(self, tensors: Any) -> BatchLoss:
        """See `Held.loss`."""
        return BatchLoss(*self._step(tensors))

    def adding(self, last: bool) -> AbstractContextManager[Any]:
        """See `Held.adding`."""
        step: Any = self._step
        return nullcontext() if last else step.no_sync()

    def _summed(self) -> int:
        return self.group.size  # torch has the mean


class Sharded(Replicated):
    """Every process has a share of each weight, its gradient and what the optimizer keeps of it.

    A layer's weights are gathered when it is their turn (Zhao et al. 2023, PyTorch FSDP; `fully_shard`). The task's own
    network stays whole on the first process's processor, for validation and the state.
    """

    def _first_place(self) -> torch.device:
        return torch.device("cpu")

    def begin(self) -> None:
        """See `Held.begin`."""
        source, average = self.optimizer, self.average
        for _, tensor in sorted(named_tensors(self.model).items()):
            dist.broadcast(tensor, 0)
        self.model = copy.deepcopy(self.task.model).to(self.device)
        share_statistics(self.model, self.group)
        mesh = init_device_mesh(self.device.type, (self.group.size,))
        for block in self.model.blocks():
            fully_shard(block, mesh=mesh)
        self._step = Step(self.task, self.model)
        fully_shard(self._step, mesh=mesh)
        self._take(self.model)  # whose parameters are others now
        self._spread(source, _placed)
        if average is not None:
            self._spread_average(average.weights)

    def _spread_average(self, weights: Mapping[str, Tensor]) -> None:
        assert self.average is not None
        for name, own in sorted(self._trained().items()):
            found = _placed(weights[name].to(self.device), own)
            self.average.weights[name] = found.to_local() if isinstance(found, DTensor) else found

    def _trained(self) -> dict[str, Any]:
        """As `weights_of` has them, but with what says how they are divided."""
        names = weights_of(self.model)
        divided = dict(self.model.named_parameters())
        return {name: divided.get(name, tensor) for name, tensor in names.items()}

    def adding(self, last: bool) -> AbstractContextManager[Any]:
        """Gradients are exchanged after every batch: adding them up first would need memory for all of them."""
        return nullcontext()

    @contextmanager
    def evaluated(self) -> Iterator[Any]:
        """See `Held.evaluated`."""
        weights = self._gathered(self.model.state_dict())
        model: Any = self.task.model
        if not self.group.first:
            yield model
            return
        model.load_state_dict(weights)
        try:
            yield model.to(self.device)
        finally:
            model.to("cpu")

    def averaged(self) -> Mapping[str, Tensor] | None:
        """See `Held.averaged`."""
        if self.average is None:
            return None
        own = self._trained()
        return self._gathered({name: _divided(weight, own[name]) for name, weight in self.average.weights.items()})

    def values(self) -> dict[str, Any]:
        """See `Held.values`; only the first process gets them."""
        values = super().values()
        state = {index: self._gathered(found) for index, found in values["optimizer"]["state"].items()}
        return {
            **values,
            "model": self._gathered(values["model"]),
            "optimizer": {**values["optimizer"], "state": state},
        }

    def _gathered(self, tensors: Mapping[str, Any]) -> dict[str, Any]:
        """Whole tensors in the first process's memory, one after another; nothing in the others'."""
        found: dict[str, Any] = {}
        for name, tensor in tensors.items():
            gathered = whole(tensor)
            found[name] = gathered.cpu() if self.group.first and isinstance(gathered, Tensor) else None
        return found


def _received(tensor: Tensor, _: Tensor) -> Tensor:
    dist.broadcast(tensor, 0)
    return tensor


def _placed(tensor: Tensor, like: Any) -> Tensor:
    """The first process's tensor, divided as another is; a number of steps is everybody's."""
    if isinstance(like, DTensor) and tensor.shape == like.shape:
        return distribute_tensor(tensor, like.device_mesh, like.placements)
    return _received(tensor, like)


def _divided(share: Tensor, like: Any) -> Tensor:
    if not isinstance(like, DTensor):
        return share
    return DTensor.from_local(share, like.device_mesh, like.placements, shape=like.shape, stride=like.stride())
