"""A training without the training: everything is read and built as for a run, and measured by a few updates."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from patchword.errors import PatchwordError, RecipeError
from patchword.runs import listening, paths_of, prepared, set_threads, whole_recipe
from patchword.training.events import Listener, Note
from patchword.training.group import Alone
from patchword.training.loop import Trainer
from patchword.training.plan import Plan
from patchword.training.recipe import Recipe, Settings
from patchword.training.rehearsal import Rehearsal
from patchword.training.run_folder import check_run_folder
from patchword.training.state import seed_everything

_KEPT = ("recipe.toml", "vocabulary/*", "state/latest.pt", "state/config.json")  # what a run goes on with
_THERE = "state/weights-*.safetensors"  # and what only has to be there, until the end


def dry_run(
    recipe: Recipe | Path | str | None = None,
    out: Path | str | None = None,
    *,
    data: Path | str | Sequence[Path | str] = (),
    validation: Path | str | Sequence[Path | str] = (),
    settings: Settings = (),
    resume: bool = False,
    show: bool = True,
    listener: Listener | None = None,
    **options: Any,
) -> Plan:
    """What `train` with the same arguments would need and take; nothing is left behind
    but a published model (hf:) in its cache.

    Recipe and data are read, and model and optimizer made, as for a run, so whatever is wrong with them is said in the
    same words. Then a few updates are made, whose weights are thrown away.

    Args:
        recipe: see `train`, as all other arguments.
        out: the run folder, which is only looked at; may be None but with `resume`.
        data: training data.
        validation: validation data.
        settings: changes by recipe key.
        resume: of the run in `out`, from where it is.
        show: print progress, unless there is a listener.
        listener: receives it as events instead.
        options: what the command line has.

    Raises:
        RecipeError: as `train`; and for several processes, since one is measured.
        PatchwordError: as `train`.
    """
    if os.environ.get("WORLD_SIZE", "1") != "1":
        raise RecipeError("a dry run measures one process; start it without torchrun")
    if options.get("parallel") is not None:
        raise RecipeError("a dry run measures one process, which has the whole network; leave --parallel out")
    if resume and out is None:
        raise RecipeError("which run would go on? out = ..., its folder")
    place, threads = Path(out or "."), torch.get_num_threads()
    with listening(listener, show, Alone()) as tell:
        given = (paths_of(data), paths_of(validation), options, settings)
        whole, notes = whole_recipe(recipe, place, resume, *given, tell)
        if out is not None:
            check_run_folder(place, resume)
        try:
            _, slower = set_threads(whole, Alone(), resume=False)
            seed_everything(whole.training.seed)
            for note in (*notes, *slower):
                tell(Note(note))
            with _scratch(place if out is not None else None, resume) as folder:
                return _rehearsed(whole, folder, tell)
        finally:
            torch.set_num_threads(threads)


def _rehearsed(recipe: Recipe, folder: Path, tell: Listener) -> Plan:
    task = prepared(recipe, folder, tell)
    for note in task.notes:
        tell(Note(note))
    goes_on = (folder / "state" / "latest.pt").is_file()
    return Rehearsal(Trainer(task, task.recipe, folder, resume=goes_on, listener=tell), tell).plan()


@contextmanager
def _scratch(run: Path | None, resume: bool) -> Iterator[Path]:
    """A folder for what a run would write, beside the run's own, since there is room for it; gone afterwards.

    Args:
        run: the run folder, which need not be there; or None.
        resume: whether to copy what the run goes on with.
    """
    above = None if run is None else next(folder for folder in run.absolute().parents if folder.is_dir())
    place = above if above is not None and os.access(above, os.W_OK) else None
    with TemporaryDirectory(prefix=".patchword-", dir=place, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if run is None or not resume:
            yield folder
            return
        for file in (file for pattern in _KEPT for file in run.glob(pattern)):
            copy = folder / file.relative_to(run)
            copy.parent.mkdir(exist_ok=True)
            with suppress(FileNotFoundError):  # the run may be at work, and put a newer one in its place
                shutil.copyfile(file, copy)
        for file in run.glob(_THERE):
            (folder / file.relative_to(run)).touch()
        try:
            yield folder
        except PatchwordError as error:
            # People know the original.
            error.args = (str(error).replace(str(folder), str(run)),)
            raise
