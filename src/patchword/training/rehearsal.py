"""A few real updates of a run that is thrown away afterwards, to know what the whole run would take."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from itertools import islice
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from patchword.models.tensors import named_buffers
from patchword.training.events import Listener, Progress, ignore
from patchword.training.freezing import train_mode
from patchword.training.group import Found
from patchword.training.loop import Trainer
from patchword.training.peak import peak_bytes
from patchword.training.plan import FORWARD_SHARE, Memory, Part, Plan, ending

STAGE = "dry run"
LOOKING = 2.0  # seconds for the sizes of batches
MEASURING = 6.0  # seconds for the memory of candidates, and for updates
UPDATES = 15  # at most
FEW = 4  # batches of an update at most; more are counted as as many times as long
_SHOWN = 3  # shapes of a part that is called more than once


class Rehearsal:
    """Measures what a trainer's run would take, by updates that change its network.

    Args:
        trainer: of a run folder that nobody needs, before its run.
        listener: hears how far this is.
        patience: time to take, as a multiple of what a dry run takes.

    Raises:
        DivergedError: as the run would.
        OutOfMemoryError: as the run would.
    """

    def __init__(self, trainer: Trainer, listener: Listener = ignore, patience: float = 1.0) -> None:
        self._trainer, self._tell = trainer, listener
        self._looking, self._measuring = patience * LOOKING, patience * MEASURING
        self._task, self._held, self._recipe = trainer.task, trainer.held, trainer.recipe
        self._step = trainer.progress.step
        self._batches = trainer.task.epoch(trainer.progress.epoch)

    def plan(self) -> Plan:
        """Look at batches, and make updates with some of them."""
        train_mode(self._held.model, self._task.frozen)
        self._tell(Progress(STAGE, 0.0, "looking at batches"))
        candidates, looked = self._candidates()
        self._tell(Progress(STAGE, 0.2, "measuring memory"))
        largest, peak, outputs = self._largest(candidates)
        self._tell(Progress(STAGE, 0.5, "making updates"))
        seconds, speed = self._timed()
        self._tell(Progress(STAGE, 0.9, "the largest batch"))
        few = min(self._batches_of_update(), FEW)
        slowest = self._update([largest] * few)[0] * self._batches_of_update() / few
        self._tell(Progress(STAGE, 1.0, "done"))
        step, limits, progress = median(seconds), self._recipe.training, self._trainer.progress
        into_epoch = -(-progress.batch // self._recipe.optimizer.accumulate)
        steps_per_epoch = -(-len(self._batches) // self._recipe.optimizer.accumulate)
        data = self._task.fingerprint
        scored = progress.step > 0 or self._recipe.init is not None
        validation = FORWARD_SHARE * steps_per_epoch * step * data.validation / max(1, data.training)
        return Plan(
            task=self._recipe.task,
            unit=self._task.unit,
            batch={name: tuple(tensor.shape) for name, tensor in named_tensors(self._load(largest)).items()},
            items=self._task.named(largest),
            candidates=(looked, len(self._batches)),
            parts=tuple(_parts(self._task.model, outputs)),
            memory=self._memory(peak),
            device=str(self._held.device),
            threads=torch.get_num_threads(),
            step_seconds=step,
            range_seconds=(min(seconds), max(seconds)),
            largest_seconds=slowest,
            updates=len(seconds),
            items_per_second=speed,
            batches_per_epoch=len(self._batches),
            steps_per_epoch=steps_per_epoch,
            ending=ending(limits, progress, steps_per_epoch, into_epoch, step, validation, scored),
        )

    def _load(self, batch: Any) -> Any:
        return self._task.load(batch, torch.device("cpu"))

    def _candidates(self) -> tuple[list[Any], int]:
        """Batches one of which takes the most memory, and how many were looked at.

        What the most numbers take, and what attention and recurrence make of the longest rows and of the most rows.
        """
        found: dict[str, tuple[int, int]] = {}
        start, looked = time.perf_counter(), 0
        for place in _spread(len(self._batches)):
            shapes = [tensor.shape for tensor in named_tensors(self._load(self._batches[place])).values()]
            sizes = {
                "numbers": sum(shape.numel() for shape in shapes),
                "longest": max((shape[1] for shape in shapes if len(shape) > 1), default=0),
                "rows": max((shape[0] for shape in shapes if len(shape) > 0), default=0),
            }
            for name, size in sizes.items():
                if name not in found or size > found[name][0]:
                    found[name] = (size, place)
            looked += 1
            if time.perf_counter() - start > self._looking:
                break
        return [self._batches[place] for place in dict.fromkeys(place for _, place in found.values())], looked

    def _largest(self, candidates: list[Any]) -> tuple[Any, int | None, dict[str, tuple[tuple[int, ...], ...]]]:
        """The candidate that takes the most memory, what it takes, and the shapes that the network's parts give."""
        start = time.perf_counter()
        # Once, so that the optimizer has its state, which is no part of what an update makes.
        self._update([candidates[0]])
        best: tuple[Any, int | None, dict[str, tuple[tuple[int, ...], ...]]] | None = None
        for batch in candidates:
            with _outputs(self._task.model) as outputs:
                peak = self._peak(lambda batch=batch: self._update([batch]))  # type: ignore[misc]
            if best is None or (peak or 0) > (best[1] or 0):
                best = batch, peak, outputs
            if time.perf_counter() - start > self._measuring:
                break
        assert best is not None
        return best

    def _peak(self, compute: Callable[[], Any]) -> int | None:
        kind = self._held.device.type
        if kind == "cpu":
            return peak_bytes(compute)
        if kind != "cuda":
            compute()
            return None
        self._held.optimizer.zero_grad(set_to_none=True)
        torch.cuda.reset_peak_memory_stats(self._held.device)
        before = torch.cuda.memory_allocated(self._held.device)
        compute()
        return torch.cuda.max_memory_allocated(self._held.device) - before

    def _timed(self) -> tuple[list[float], float]:
        """Seconds of some updates with batches as they come, and items a second."""
        accumulate = self._batches_of_update()
        size = min(accumulate, FEW)
        seconds: list[float] = []
        items, start = 0, time.perf_counter()
        for place in range(0, len(self._batches), accumulate):
            taken, count = self._update(list(self._batches[place : place + size]))
            seconds.append(taken)
            items += count
            spent = time.perf_counter() - start
            if len(seconds) == UPDATES or spent > self._measuring:
                break
            self._tell(
                Progress(STAGE, 0.5 + 0.4 * max(len(seconds) / UPDATES, spent / self._measuring), "making updates")
            )
        return [taken * accumulate / size for taken in seconds], items / sum(seconds)

    def _batches_of_update(self) -> int:
        """An epoch's end ends an update, too."""
        return min(self._recipe.optimizer.accumulate, len(self._batches))

    def _update(self, batches: list[Any]) -> tuple[float, int]:
        """Make one; its seconds and its number of items."""
        trainer, held = self._trainer, self._held
        self._step += 1

        def found(**values: Any) -> Found:
            return Found(**values, seconds=trainer.progress.seconds, signal=None)

        start = time.perf_counter()
        rate = trainer.pace.rate(self._step, trainer.progress.horizon)
        every = trainer.updater.update(batches, self._step, rate, f"{STAGE}: step {self._step}", found)
        if held.average is not None:
            held.average.update(held.model, self._step)
        if held.device.type == "cuda":
            torch.cuda.synchronize(held.device)
        return time.perf_counter() - start, every.count

    def _memory(self, peak: int | None) -> Memory:
        model = self._task.model
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        weights = _bytes(model.parameters()) + _bytes(model.buffers())
        gradients = _bytes(trained)
        moments = 1 if self._recipe.optimizer.name == "sgd" else 2
        steps = 0 if moments == 1 else 4 * len(trained)  # Adam counts each weight's updates
        optimizer = moments * gradients + steps
        kept = [tensor for _, tensor in named_buffers(model)]
        average = gradients + _bytes(kept) if self._recipe.training.ema_decay else 0
        # The gradients of the batches before stay while one is computed; otherwise they come while activations go.
        stay = gradients if self._recipe.optimizer.accumulate > 1 else 0
        whole = None if peak is None else weights + optimizer + average + stay + peak
        return Memory(weights, gradients, optimizer, average, peak, whole)


def named_tensors(loaded: Any) -> dict[str, Tensor]:
    """The tensors of a loaded batch, by the names that its class gives them."""
    if is_dataclass(loaded):
        values: Mapping[str, Any] = {field.name: getattr(loaded, field.name) for field in fields(loaded)}
    elif isinstance(loaded, Mapping):
        values = loaded
    else:
        values = {str(index): leaf for index, leaf in enumerate(tree_leaves(loaded))}
    return {str(name): value for name, value in values.items() if isinstance(value, Tensor)}


def _spread(count: int) -> Iterator[int]:
    """All places, such that the first of them are spread over the whole."""
    stride = max(1, count // 64)
    for first in range(stride):
        yield from range(first, count, stride)


def _children(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    for name, child in model.named_children():
        if isinstance(child, nn.ModuleList):
            yield from ((f"{name}.{inner}", each) for inner, each in child.named_children())
        else:
            yield name, child


@contextmanager
def _outputs(model: nn.Module) -> Iterator[dict[str, tuple[tuple[int, ...], ...]]]:
    """Filled inside the block with the shapes of what the parts of a network give."""
    found: dict[str, tuple[tuple[int, ...], ...]] = {}

    def listener(name: str) -> Callable[..., None]:
        def hear(module: nn.Module, given: Any, output: Any) -> None:
            leaf = next(iter(_first(output)), None)
            if leaf is not None:
                found[name] = tuple(islice(dict.fromkeys((*found.get(name, ()), tuple(leaf.shape))), _SHOWN))

        return hear

    handles = [_called(child).register_forward_hook(listener(name)) for name, child in _children(model)]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def _called(module: nn.Module) -> nn.Module:
    """The module itself, or the last one of a list or a sequence, which need not be called itself."""
    while isinstance(module, nn.ModuleList | nn.Sequential) and len(module) > 0:
        module = module[-1]
    return module


def _first(output: Any) -> Iterator[Tensor]:
    """The tensors of what a module gives, which may be nested."""
    if isinstance(output, Tensor):
        yield output
    elif isinstance(output, tuple | list):
        for each in output:
            yield from _first(each)
    else:
        yield from named_tensors(output).values()


def _parts(model: nn.Module, outputs: Mapping[str, tuple[tuple[int, ...], ...]]) -> Iterator[Part]:
    """A network's own parameters and its modules that have any, each parameter once."""
    known: set[int] = set()

    def part(name: str, parameters: list[nn.Parameter]) -> Part:
        new = [each for each in parameters if id(each) not in known]
        known.update(map(id, new))
        trained = sum(each.numel() for each in new if each.requires_grad)
        return Part(name, sum(each.numel() for each in new), trained, outputs.get(name, ()))

    for name, parameter in model.named_parameters(recurse=False):
        yield part(name, [parameter])
    for name, child in _children(model):
        if parameters := list(child.parameters()):
            yield part(name, parameters)


def _bytes(tensors: Any) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
