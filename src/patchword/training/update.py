"""One optimizer update on some batches, alone or with other processes."""

import math
from collections.abc import Callable
from typing import Any

import torch

from patchword.memory import is_out_of_memory, memory_for
from patchword.training.events import Listener, ignore
from patchword.training.finite import REMEDY, DivergedError
from patchword.training.fitting import Before, Fitting
from patchword.training.group import Alone, Found
from patchword.training.held import Held
from patchword.training.optimizer import set_learning_rate
from patchword.training.task import BatchLoss


class Updater:
    """Makes updates on the mean loss of all items of their batches, whichever processes the items are shared by.

    Args:
        held: the network and its optimizer.
        group: the processes.
        kept: what is left of a run that cannot go on, a clause.
        tell: hears of batches that do not fit in memory.
    """

    def __init__(self, held: Held, group: Alone, kept: Callable[[], str], tell: Listener = ignore) -> None:
        self._held, self._group, self._kept = held, group, kept
        self._task, self._recipe = held.task, held.recipe
        self._fitting = Fitting(held.model, held.task.size_key, tell)

    def update(self, batches: list[Any], step: int, rate: float, place: str, found: Callable[..., Found]) -> Found:
        """Make one.

        Args:
            batches: of the task.
            step: number of the update, counted from 1.
            rate: the learning rate.
            place: which update it is, for messages.
            found: makes a `Found` with this process's clock and wish to stop.

        Returns:
            what all processes found.

        Raises:
            DivergedError: if a loss or a gradient is no number.
            OutOfMemoryError: if a batch is too large.
        """
        held, task = self._held, self._task
        set_learning_rate(held.optimizer, rate)
        held.optimizer.zero_grad(set_to_none=True)
        self._group.draw(self._recipe.training.seed, step)
        with memory_for(f"a batch at step {step}", f"lower {task.size_key} or choose a smaller model"):
            count, total, broken = self._gradients(batches)
            every = self._group.exchange(found(count=count, plain=total, broken=broken))
            if every.broken is not None:
                raise self._diverged(place, [batches[every.broken]], f"the loss is {every.plain}")
            norm = held.clip(every.count, self._recipe.optimizer.clip_norm)
            if not math.isfinite(norm):
                raise self._diverged(place, batches, f"the gradient's norm is {norm}")
            held.optimizer.step()
        return every

    def _gradients(self, batches: list[Any]) -> tuple[int, float, int | None]:
        """Sum all batches' gradients, with less at once where it does not fit in memory.

        Several processes wait for each other within a pass, so there none can begin it again.

        Returns:
            items, their plain loss, and the first batch whose loss is no number.
        """
        if self._group.size > 1:
            return self._passes(batches)
        before = Before(self._held.model)
        while True:
            try:
                return self._passes(batches)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error) or not self._fitting.lessen():
                    raise
            # Only now, since the error held on to the pass's tensors.
            before.restore(self._held.optimizer)

    def _passes(self, batches: list[Any]) -> tuple[int, float, int | None]:
        held, count, total, broken = self._held, 0, 0.0, None
        for number, batch in enumerate(batches):
            rows, weight = self._group.share(batch)
            with held.adding(last=number == len(batches) - 1):
                for piece in self._fitting.pieces(self._task.load(rows, held.device)):
                    with self._fitting.computing():
                        loss = self._loss(piece)
                    (loss.total * weight if not weight else loss.total).backward()
                    plain = float(loss.plain) * weight
                    count, total = count + loss.count * weight, total + plain
                    if broken is None and not math.isfinite(plain):
                        broken = number
        return count, total, broken

    def _diverged(self, place: str, batches: list[Any], what: str) -> Exception:
        items = "; ".join(self._task.named(batch) for batch in batches[:3])
        return self._group.same(DivergedError(f"{place}, batch of {items}: {what}; {REMEDY}; {self._kept()}"))

    def _loss(self, tensors: Any) -> BatchLoss:
        device, precision = self._held.device, self._recipe.training.precision
        bfloat16 = precision == "bfloat16" or (
            precision == "auto" and device.type == "cuda" and torch.cuda.is_bf16_supported()
        )
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            return self._held.loss(tensors)
