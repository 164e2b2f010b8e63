"""The size of batches that a machine trains fastest with, where a recipe leaves it to be found: `"auto"`."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from patchword.errors import OutOfMemoryError, RecipeError
from patchword.memory import available_bytes
from patchword.training.events import Event, Listener, Note
from patchword.training.group import Alone
from patchword.training.loop import Trainer
from patchword.training.plan import Memory, Plan
from patchword.training.recipe import AUTO
from patchword.training.rehearsal import Rehearsal
from patchword.training.state import random_states, restore_random_states
from patchword.training.task import Task

PATIENCE = 0.25  # of what a dry run takes, for each size
ALIKE = 0.95  # of the best speed; below, a size is slower
FEWEST = 20  # batches of an epoch, so that there are updates enough
MARGIN = 0.8  # of the memory that there is; validation, and what kernels use inside, take the rest


@dataclass(frozen=True)
class Trial:
    """What was found of a size.

    Attributes:
        size: of a batch, in the recipe's unit.
        speed: items a second; 0 where it was not measured.
        fits: whether the largest batch leaves some memory.
        memory: what it takes, where that can be measured.
    """

    size: int
    speed: float
    fits: bool
    memory: Memory | None = None

    def grown(self, size: int) -> int | None:
        """Bytes that a larger size would take: activations grow with it, and all else stays."""
        if self.memory is None or self.memory.whole is None or self.memory.activations is None:
            return None
        return self.memory.whole + self.memory.activations * (size - self.size) // self.size


def settle_batch_size(task: Task, group: Alone, listener: Listener) -> None:
    """Find the size of batches where the task's recipe says "auto", and put it into that recipe.

    Sizes are tried by a few updates each, smallest first, until more at once is no faster; weights and random
    generators are afterwards as they were, so the run is the one that it would be had the recipe named the size.

    Args:
        task: of a new run.
        group: the processes that share each batch; this one measures for all, and each gets what suits one.
        listener: hears what was tried.

    Raises:
        RecipeError: if each of several processes is to hold a share of the network, which one cannot measure.
        DivergedError: as the run would.
    """
    key, recipe = task.size_key, task.recipe
    if getattr(recipe, key) != AUTO:
        return
    if group.size > 1 and recipe.training.parallel == "fsdp":
        raise RecipeError(
            f"{key} = 'auto' is measured by one process, which cannot hold what fsdp shares; set a number"
        )
    device = group.device(recipe.training.device)
    sharing = group.local_size if device.type == "cpu" else 1

    def enough(needed: int | None) -> bool:
        available = available_bytes(device)
        return needed is None or available is None or needed < MARGIN * available / sharing

    trials: list[Trial] = []
    with _as_before(task):
        for size in task.batch_sizes:
            task.recipe = recipe.model_copy(update={key: size})
            if trials and len(task.epoch(0)) // group.size < FEWEST:
                break
            # Not tried where it can be told: a system may end what asks for so much.
            hopeless = bool(trials) and not enough(trials[-1].grown(size))
            trials.append(Trial(size, 0.0, fits=False) if hopeless else _trial(task, size, enough))
            if not worthwhile(trials):
                break
    found = best(trials)
    listener(Note(_said(key, found, trials, task.unit, group.size)))
    task.recipe = recipe.model_copy(update={key: found * group.size})


def worthwhile(trials: Sequence[Trial]) -> bool:
    """Whether a larger size may be faster than those that were tried, in ascending order."""
    last = trials[-1]
    return last.fits and (len(trials) == 1 or last.speed * ALIKE > max(each.speed for each in trials[:-1]))


def best(trials: Sequence[Trial]) -> int:
    """The smallest size about as fast as the fastest, of those that fit; the smallest of all where none does."""
    fitting = [each for each in trials if each.fits] or trials[:1]
    fastest = max(each.speed for each in fitting)
    return min(each.size for each in fitting if each.speed >= ALIKE * fastest)


def _trial(task: Task, size: int, enough: Callable[[int | None], bool]) -> Trial:
    lessened = False

    def listen(event: Event) -> None:
        nonlocal lessened
        lessened |= isinstance(event, Note)  # the trainer's only one, that batches do not fit

    plan: Plan | None = None
    with TemporaryDirectory(prefix="patchword-", ignore_cleanup_errors=True) as folder, suppress(OutOfMemoryError):
        trainer = Trainer(task, task.recipe, Path(folder) / "run", listener=listen)
        plan = Rehearsal(trainer, patience=PATIENCE).plan()
    # The optimizer's memory is needed for the next one's.
    trainer = None  # type: ignore[assignment]
    task.model.zero_grad(set_to_none=True)
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if plan is None:
        return Trial(size, 0.0, fits=False)
    return Trial(size, plan.items_per_second, enough(plan.memory.whole) and not lessened, plan.memory)


@contextmanager
def _as_before(task: Task) -> Iterator[None]:
    """Undo what happens in the block to a task's weights and to the random generators."""
    model: Any = task.model
    random, weights = random_states(), {name: tensor.clone() for name, tensor in model.state_dict().items()}
    try:
        yield
    finally:
        model.load_state_dict(weights)
        restore_random_states(random)


def _said(key: str, found: int, trials: Sequence[Trial], unit: str, processes: int) -> str:
    tried = [
        f"{each.size:,} ({each.speed:,.0f} {unit}/s)" if each.fits else f"{each.size:,} (too large)" for each in trials
    ]
    whole = f"{found * processes:,}" + (f", {found:,} for each of {processes} processes" if processes > 1 else "")
    return f"{key} = {whole}; tried: {', '.join(tried)}"
