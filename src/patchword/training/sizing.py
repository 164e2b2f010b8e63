"""The size of batches that a machine trains fastest with, where a recipe leaves it to be found: `"auto"`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from patchword.errors import OutOfMemoryError
from patchword.memory import available_bytes
from patchword.training.events import Event, Listener, Note
from patchword.training.loop import Trainer
from patchword.training.rehearsal import Rehearsal
from patchword.training.state import random_states, restore_random_states
from patchword.training.task import Task

AUTO = "auto"
PATIENCE = 0.25  # of what a dry run takes, for each size
ALIKE = 0.95  # of the best speed; below, a size is slower
FEWEST = 20  # batches of an epoch, so that there are updates enough
MARGIN = 0.8  # of the memory that there is; validation, and what kernels use inside, take the rest


@dataclass(frozen=True)
class Trial:
    """What was measured of a size.

    Attributes:
        size: of a batch, in the recipe's unit.
        speed: items a second.
        fits: whether the largest batch leaves some memory.
    """

    size: int
    speed: float
    fits: bool


def with_size(task: Task, processes: int, listener: Listener) -> None:
    """Find the size of batches where the task's recipe says "auto", and put it into that recipe.

    Sizes are tried by a few updates each, smallest first, until more at once is no faster; weights and random
    generators are afterwards as they were, so the run is the one that it would be had the recipe named the size.

    Args:
        task: of a new run.
        processes: how many share each batch; each gets what suits one.
        listener: hears what was tried.

    Raises:
        DivergedError: as the run would.
    """
    key, recipe = task.size_key, task.recipe
    if getattr(recipe, key) != AUTO:
        return
    trials: list[Trial] = []
    with _as_before(task):
        for size in task.sizes:
            task.recipe = recipe.model_copy(update={key: size})
            if trials and len(task.epoch(0)) < FEWEST:
                break
            trials.append(_trial(task, size))
            if not worthwhile(trials):
                break
    found = best(trials)
    listener(Note(_said(key, found, trials, task.unit, processes)))
    task.recipe = recipe.model_copy(update={key: found * processes})


def worthwhile(trials: Sequence[Trial]) -> bool:
    """Whether a larger size may be faster than those that were tried, in ascending order."""
    last = trials[-1]
    return last.fits and (len(trials) == 1 or last.speed * ALIKE > max(each.speed for each in trials[:-1]))


def best(trials: Sequence[Trial]) -> int:
    """The smallest size about as fast as the fastest, of those that fit; the smallest of all where none does."""
    fitting = [each for each in trials if each.fits] or trials[:1]
    fastest = max(each.speed for each in fitting)
    return min(each.size for each in fitting if each.speed >= ALIKE * fastest)


def _trial(task: Task, size: int) -> Trial:
    lessened = False

    def listen(event: Event) -> None:
        nonlocal lessened
        lessened |= isinstance(event, Note)  # the trainer's only one, that batches do not fit

    with TemporaryDirectory(prefix="patchword-", ignore_cleanup_errors=True) as folder:
        try:
            rehearsal = Rehearsal(Trainer(task, task.recipe, Path(folder) / "run", listener=listen), patience=PATIENCE)
            plan = rehearsal.plan()
        except OutOfMemoryError:
            return Trial(size, 0.0, fits=False)
    available = available_bytes(torch.device(plan.device))
    enough = plan.memory.whole is None or available is None or plan.memory.whole < MARGIN * available
    return Trial(size, plan.items_per_second, enough and not lessened)


@contextmanager
def _as_before(task: Task) -> Iterator[None]:
    """Undo what happens in the block to a task's weights and to the random generators."""
    model: Any = task.model
    random, weights = random_states(), {name: tensor.clone() for name, tensor in model.state_dict().items()}
    try:
        yield
    finally:
        model.load_state_dict(weights)
        model.zero_grad(set_to_none=True)
        restore_random_states(random)


def _said(key: str, found: int, trials: Sequence[Trial], unit: str, processes: int) -> str:
    tried = [
        f"{each.size:,} ({each.speed:,.0f} {unit}/s)" if each.fits else f"{each.size:,} (too large)" for each in trials
    ]
    whole = f"{found * processes:,}" + (f", {found:,} for each of {processes} processes" if processes > 1 else "")
    return f"{key} = {whole}; tried: {', '.join(tried)}"
