"""Training: from a task with its data, or a recipe, to a run folder with the best model in it."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Any

import torch

from patchword.converters.published import is_published, published
from patchword.devices import find_device
from patchword.errors import GroupError, RecipeError, shown
from patchword.memory import memory_for
from patchword.progress import ProgressPrinter
from patchword.recipes import TASKS, new_recipe, resumed_recipe
from patchword.training.events import Listener, Note, ignore
from patchword.training.group import Alone
from patchword.training.joining import joined
from patchword.training.loop import Trainer
from patchword.training.outcome import Outcome
from patchword.training.recipe import Recipe, Settings
from patchword.training.run_folder import RunFolder, begun_with, run_folder, stand_in
from patchword.training.sizing import settle_batch_size
from patchword.training.state import seed_everything
from patchword.training.tensorboard import check_tensorboard
from patchword.training.thread_watch import threads_sentence
from patchword.training.threads import share_of_threads, suitable_threads
from patchword.wings import wing_of


def train(
    recipe: Recipe | Path | str | None = None,
    out: Path | str | None = None,
    *,
    data: Path | str | Sequence[Path | str] = (),
    validation: Path | str | Sequence[Path | str] = (),
    settings: Settings = (),
    resume: bool = False,
    facts: Mapping[str, Any] | None = None,
    show: bool = True,
    listener: Listener | None = None,
    **options: Any,
) -> Outcome:
    """Train a model in a run folder; the best one is in its `best/`.

    Args:
        recipe: "translation" or "classification", whose recipe is then picked to suit `data`; the path of a recipe's
            TOML file; or a whole `Recipe`. None with `resume`.
        out: the run folder.
        data: training data, or the folder of a recipe's files; see `recipes.choose_recipe`.
        validation: validation data; without any, some of the data is held out.
        settings: changes by recipe key: {"schedule.warmup_steps": 2000}, or "schedule.warmup_steps=2000".
        resume: go on with the run in `out`.
        facts: put into the model's description, such as the command.
        show: print progress bars, scores and sentences about the data, unless there is a listener.
        listener: receives them as events instead.
        options: what the command line has: `model`, `init` (the path of a model whose weights training starts from),
            `freeze`, `epochs`, `max_steps`, `max_minutes`, `batch_size`, `learning_rate`, `seed`, `threads`, `strict`,
            `tensorboard` and a task's own, such as `columns` or `image_size`.

    Raises:
        RecipeError: if recipe, options or settings make no sense.
        RunFolderError: if `out` holds a run and `resume` is False, it holds none and `resume` is True, or another
            process trains in it.
        OutputError: if `out` cannot be written.
        GroupError: if one of several processes (torchrun) is gone, or they do not find each other.
        SaidElsewhereError: in the others, where one of several processes says what is wrong.
        PatchwordError: whatever else is wrong with recipe or data, in one sentence.
    """
    if out is None:
        raise RecipeError("where to? out = ..., the run folder")
    out = Path(out)
    threads = torch.get_num_threads()
    with joined() as group, group.watched(out), listening(listener, show, group) as tell:
        given = (paths_of(data), paths_of(validation), options, settings)
        whole, notes = group.first_alone(lambda: whole_recipe(recipe, out, resume, *given, tell))
        try:
            with group.each():
                most, slower = set_threads(whole, group, resume)
            return _train(whole, out, resume, facts, [*notes, *slower], tell, group, most)
        finally:
            torch.set_num_threads(threads)  # whoever goes on in this process has what it had


def listening(listener: Listener | None, show: bool, group: Alone) -> AbstractContextManager[Listener]:
    """What hears of the run: the first process's listener or bars alone."""
    if not group.first:
        return nullcontext(ignore)
    return ProgressPrinter() if show and listener is None else nullcontext(listener or ignore)


def _train(
    recipe: Recipe,
    out: Path,
    resume: bool,
    facts: Mapping[str, Any] | None,
    notes: Sequence[str],
    tell: Listener,
    group: Alone,
    most_threads: int | None,
) -> Outcome:
    """Train by a whole recipe: the first process works in the run folder, any others beside it."""
    seed_everything(recipe.training.seed)
    with ExitStack() as stack:
        run: RunFolder | None = None
        task: Any = None

        def begin() -> tuple[Recipe, bool, dict[str, bytes]]:
            nonlocal run, task
            run = stack.enter_context(run_folder(out, resume, tell))
            for note in notes:
                tell(Note(note))
            task = prepared(recipe, out, tell, group)
            for note in task.notes:
                tell(Note(note))
            return task.recipe, resume and run.state.is_file(), begun_with(out)

        resolved, goes_on, files = group.first_alone(begin)  # with what an init model decides
        with group.each():
            if run is None:
                beside = stack.enter_context(stand_in(files))
                task = prepared(resolved, beside, tell)
        _check_same_data(group, task)
        if resolved.init is not None:
            facts = {"init": resolved.init, **(facts or {})}
        lock, folder = (run.lock, out) if run is not None else (None, beside / "run")
        trainer = Trainer(
            task,
            resolved,
            folder,
            resume=goes_on,
            facts=facts,
            listener=tell,
            lock=lock,
            group=group,
            most_threads=most_threads,
        )
        if run is not None and not resume:
            resolved.write(run.recipe)
            run.begun = True
        outcome = trainer.run()
        if outcome.signal is not None:
            group.end()
        return outcome


def prepared(recipe: Recipe, folder: Path, tell: Listener, group: Alone | None = None) -> Any:
    """The task of a recipe, which makes in a folder what a run keeps; its own recipe says all that was left open."""
    with memory_for("the model and its data", "choose a smaller model, or less data"):
        task = wing_of(recipe.task).prepare(recipe, folder, tell)
    settle_batch_size(task, group or Alone(), tell)
    return task


def _check_same_data(group: Alone, task: Any) -> None:
    """See that all processes train on the same; each reads the data where it runs.

    Raises:
        GroupError: naming the first process that does not.
    """
    prints = group.gathered(task.fingerprint.as_dict())
    for rank, found in enumerate(prints):
        if found != prints[0]:
            raise group.same(
                GroupError(
                    f"process {rank} has other data than the first one: {found['training']:,} {found['unit']} for "
                    f"training and {found['validation']:,} for validation, of {prints[0]['training']:,} and "
                    f"{prints[0]['validation']:,}, or as many but not the same; every machine needs the same files"
                )
            )


def set_threads(recipe: Recipe, group: Alone, resume: bool) -> tuple[int | None, list[str]]:
    """Set torch's number of threads, by the recipe or by measuring; of a run that goes on the state has it.

    Of several processes on this machine each has its share of the cores at most, and the number stays: processes wait
    for each other in every update.

    Returns:
        the number that there are at best, where the recipe leaves it open and it may change; and a sentence where
        fewer suit the machine now.
    """
    wanted, most = recipe.training.threads, torch.get_num_threads()
    if group.size > 1:
        torch.set_num_threads(share_of_threads(wanted, group.local_size))
        return None, []
    if wanted is not None or find_device(recipe.training.device).type != "cpu":
        torch.set_num_threads(wanted or most)
        return None, []
    if resume:
        return most, []
    threads, ratio = suitable_threads(most)
    torch.set_num_threads(threads)
    return most, [] if threads == most else [threads_sentence(threads, most, ratio, "training")]


def whole_recipe(
    recipe: Recipe | Path | str | None,
    out: Path,
    resume: bool,
    data: Sequence[Path],
    validation: Sequence[Path],
    options: Mapping[str, Any],
    settings: Settings,
    listener: Listener,
) -> tuple[Recipe, list[str]]:
    """What `train` is to do, and sentences on how that was picked; the arguments are `train`'s.

    Raises:
        PatchwordError: whatever can be seen to be wrong without reading the data as a whole.
    """
    if not isinstance(recipe, Recipe):
        recipe, notes = _recipe(recipe, out, resume, data, validation, options, settings, listener)
    elif options or settings or data or validation:
        raise RecipeError("a Recipe is whole: data, options and settings go with a task or a recipe file")
    else:
        notes = []
    if recipe.training.tensorboard:
        check_tensorboard()
    if recipe.init is not None and is_published(recipe.init):
        recipe = recipe.model_copy(update={"init": str(published(recipe.init, listener))})
    return recipe, notes


def _recipe(
    recipe: Path | str | None,
    out: Path,
    resume: bool,
    data: Sequence[Path],
    validation: Sequence[Path],
    options: Mapping[str, Any],
    settings: Settings,
    listener: Listener,
) -> tuple[Recipe, list[str]]:
    if resume:
        if data or validation:
            raise RecipeError(f"--resume goes on with the run in {out} and its data; none can be given")
        if recipe is not None:
            raise RecipeError(f"--resume goes on with the recipe of the run in {out}; leave {shown(str(recipe))} out")
        return resumed_recipe(out, settings, options), []
    if recipe is None:
        raise RecipeError(f"what to train? {' or '.join(map(repr, TASKS))} with its data, or a recipe file")
    return new_recipe(str(recipe), data, validation, options, settings, listener)


def paths_of(paths: Path | str | Sequence[Path | str]) -> list[Path]:
    """One path or several, as a list."""
    return [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]
