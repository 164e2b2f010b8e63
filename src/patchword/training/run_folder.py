"""A run folder while a process works in it: alone, and as it was before if nothing comes of it."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from patchword.errors import PatchwordError, RunFolderError
from patchword.files import forget_temporaries, writing
from patchword.training.events import Listener, ignore
from patchword.training.initial import STATE_FOLDER
from patchword.training.lock import NAME, FolderLock, locked
from patchword.training.state import previous_state

_FOLDERS = ("best", "state", "vocabulary", "cache", "tensorboard")
_FILES = ("recipe.toml", "metrics.jsonl", "curves.png", "left_out.txt")


class RunFolder:
    """A run folder that this process has to itself.

    Attributes:
        path: the folder.
        recipe: its recipe, which is there once the run has begun.
        state: the file of the run's state.
        lock: held.
        begun: whether what is in the folder is a run; until then it is taken away if the work fails.
    """

    def __init__(self, path: Path, lock: FolderLock, begun: bool) -> None:
        self.path, self.lock, self.begun = path, lock, begun
        self.recipe, self.state = _recipe(path), _state(path)


@contextmanager
def run_folder(path: Path, resume: bool, listener: Listener = ignore) -> Iterator[RunFolder]:
    """Have a run folder alone inside the block, made if it is missing.

    What a new run has written is taken away if it ends by a mistake before it has saved anything: a wrong setting,
    batches that are too large, a loss that is no number. The corrected command then finds the folder as this one did.

    Args:
        path: the folder.
        resume: whether it is to hold a run, or none.
        listener: hears what is found there.

    Raises:
        RunFolderError: if it is not as it should be, or another process works in it.
        OutputError: if it cannot be made or written.
    """
    with writing(path):
        if not (path / NAME).exists():  # otherwise who works there is to be said first
            check_run_folder(path, resume)
        made = _made(path)
    before: set[Path] | None = None
    try:
        with locked(path, listener) as lock:
            with writing(path):
                check_run_folder(path, resume)  # again, now that nobody else changes it
                for name in ("", *_FOLDERS):
                    forget_temporaries(path / name)
                before = _made_by_runs(path)
            folder = RunFolder(path, lock, begun=resume)
            try:
                yield folder
            except BaseException as error:
                mistaken = isinstance(error, PatchwordError) and not resume and not _has_saved(path)
                if mistaken or not folder.begun:
                    _take_away(_made_by_runs(path) - before)
                raise
    finally:
        for each in reversed(made):
            with suppress(OSError):  # where there is something in it
                each.rmdir()


def begun_with(path: Path) -> dict[str, bytes]:
    """The small files of a run folder that a task is prepared from, by their path in it, beside data and weights."""
    files = [path / STATE_FOLDER / "config.json", *sorted((path / "vocabulary").glob("*"))]
    return {str(file.relative_to(path)): file.read_bytes() for file in files if file.is_file()}


@contextmanager
def stand_in(files: Mapping[str, bytes]) -> Iterator[Path]:
    """A run folder for a process that has none: everything in it is gone afterwards.

    Preparing a task there makes what it makes where the run goes on, without an init model's weights or a vocabulary
    of its own.

    Args:
        files: from `begun_with`.
    """
    with TemporaryDirectory(prefix="patchword-", ignore_cleanup_errors=True) as name:
        path = Path(name)
        for part, content in files.items():
            (path / part).parent.mkdir(exist_ok=True)
            (path / part).write_bytes(content)
        _state(path).parent.mkdir(exist_ok=True)
        for file in (_recipe(path), _state(path)):
            file.touch()
        yield path


def _recipe(path: Path) -> Path:
    return path / "recipe.toml"


def _state(path: Path) -> Path:
    return path / "state" / "latest.pt"


def _has_saved(path: Path) -> bool:
    return _state(path).exists() or (path / "best").exists()


def check_run_folder(path: Path, resume: bool) -> None:
    """See that a folder is as a run needs it.

    Args:
        path: the folder, which need not be there for a new run.
        resume: whether it is to hold a run, or none.

    Raises:
        RunFolderError: if it is not.
    """
    if path.exists() and not path.is_dir():
        raise RunFolderError(path, "is a file; the output must be a folder")
    begun = _recipe(path).is_file()
    if begun and not resume:
        raise RunFolderError(path, "already holds a run; go on with --resume, or choose another folder")
    if resume and not begun:
        raise RunFolderError(path, "nothing to resume: the folder holds no run")
    if resume and not _state(path).is_file() and (former := previous_state(_state(path))).is_file():
        # Beginning anew would write over it.
        raise RunFolderError(path, f"the last state is gone; move {former} to {_state(path).name} beside it to go on")


def _made(path: Path) -> list[Path]:
    """Make the folder and those above it; those that were not there, outermost first."""
    missing: list[Path] = []
    while not path.exists():
        missing.insert(0, path)
        path = path.parent
    try:
        for each in missing:
            each.mkdir(exist_ok=True)
    except OSError:
        for each in reversed(missing):
            with suppress(OSError):
                each.rmdir()
        raise
    return missing


def _made_by_runs(path: Path) -> set[Path]:
    """What is in the folder and has a name that runs give; whatever else comes there meanwhile is somebody's."""
    return {path / name for name in _FOLDERS + _FILES if os.path.lexists(path / name)}


def _take_away(paths: set[Path]) -> None:
    for path in paths:
        with suppress(OSError):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
