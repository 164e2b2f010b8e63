"""The state of a run: everything that makes a resumed run equal to one that never stopped."""

import os
import random
import re
import shutil
import warnings
import zipfile
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch

from patchword.errors import RunFolderError, clipped, shown
from patchword.files import replacing

STATE_VERSION = 1
CHECKPOINT = re.compile(r"weights-\d{8,15}\.safetensors")


@dataclass
class Progress:
    """Where a run is.

    Attributes:
        step: optimizer updates made.
        epoch: the epoch being trained on, counted from 0.
        batch: batches of that epoch already used.
        seconds: time spent so far, over all sittings.
        best: the best validation score, or None before the first.
        waited: validations since the best.
        validated: step of the last validation.
        loss_sum: plain loss summed since the last row of metrics.
        loss_count: items in that sum.
        finished: whether the run came to its end.
        checkpoints: names of the files of weights that are to be averaged.
        horizon: the last step that a time limit leaves, as far as it is known; see `training.pace`.
        threads: of the processor, where the recipe leaves their number open; 0 where it does not. See
            `training.thread_watch`.
    """

    step: int = 0
    epoch: int = 0
    batch: int = 0
    seconds: float = 0.0
    best: float | None = None
    waited: int = 0
    validated: int = 0
    loss_sum: float = 0.0
    loss_count: int = 0
    finished: bool = False
    checkpoints: list[str] = field(default_factory=list)
    horizon: int = 0
    threads: int = 0


def random_states() -> dict[str, Any]:
    """States of torch's, numpy's and Python's global generators."""
    numpy_state: Any = np.random.get_state()
    kind, keys, position, has_gauss, gauss = numpy_state
    version, internal, gauss_next = random.getstate()
    states: dict[str, Any] = {
        "torch": torch.get_rng_state(),
        "numpy": [kind, torch.from_numpy(keys.astype(np.int64)), position, has_gauss, gauss],
        "python": [version, list(internal), gauss_next],
    }
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state_all()
    if torch.backends.mps.is_available():
        states["mps"] = torch.mps.get_rng_state()
    return states


def restore_random_states(states: dict[str, Any]) -> None:
    """Put the generators back to what `random_states` saw.

    Raises:
        ValueError: if that is none of their states.
    """
    try:
        kind, keys, position, has_gauss, gauss = states["numpy"]
        if not 0 <= position <= 624:  # numpy would read beyond its keys
            raise ValueError(f"numpy's position is {position}")
        torch.set_rng_state(states["torch"])
        np.random.set_state((kind, keys.numpy().astype(np.uint32), position, has_gauss, gauss))
        version, internal, gauss_next = states["python"]
        random.setstate((version, tuple(internal), gauss_next))
        if "cuda" in states and torch.cuda.is_available():
            torch.cuda.set_rng_state_all(states["cuda"])
        if "mps" in states and torch.backends.mps.is_available():
            torch.mps.set_rng_state(states["mps"])
    except Exception as error:
        raise ValueError(f"its random generators' states cannot be used: {clipped(str(error))}") from None


def epoch_generator(seed: int, epoch: int) -> torch.Generator:
    """The generator of an epoch's order, a function of the two numbers alone.

    Args:
        seed: of the run; any that a recipe can have.
        epoch: counted from 0.
    """
    number = seed * 1_000_003 + epoch
    # Beyond what torch takes, the remainder.
    return torch.Generator().manual_seed(number if -(2**63) <= number < 2**63 else number % 2**63)


def seed_everything(seed: int) -> None:
    """Seed torch's, numpy's and Python's global generators."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def previous_state(path: Path) -> Path:
    """Where the state before a state is kept."""
    return path.with_name("previous.pt")


def save_state(path: Path, progress: Progress, values: dict[str, Any]) -> None:
    """Write the whole state as one file, atomically; the one that it replaces is kept as `previous_state(path)`.

    Args:
        path: the file.
        progress: where the run is.
        values: state dicts by name: model, optimizer, averages; and the data's fingerprint.

    Raises:
        OutputError: if it cannot be written; the state before it is still there.
    """
    with replacing(path) as temporary, temporary.open("wb") as opened:
        file = _Reported(opened)
        try:
            torch.save(
                {"version": STATE_VERSION, "progress": asdict(progress), "random": random_states(), **values},
                file,  # type: ignore[arg-type]
            )
        except (RuntimeError, OSError):
            # torch's writer says of a full disk that its position is unexpected.
            if file.error is not None:
                raise file.error from None
            raise
        opened.flush()
        _keep(path, previous_state(path))


def _keep(path: Path, former: Path) -> None:
    """Give what a file is now a second name, so that at no moment there is neither."""
    if not path.is_file():
        return
    with replacing(former) as temporary:
        temporary.unlink(missing_ok=True)
        try:
            os.link(path, temporary)
        except OSError:  # a file system without links
            shutil.copy2(path, temporary)


class _Reported:
    """A file for torch's writer that remembers the system's own error."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        try:
            return self._file.write(data)
        except OSError as error:
            self.error = self.error or error
            raise

    def flush(self) -> None:
        try:
            self._file.flush()
        except OSError as error:
            self.error = self.error or error
            raise


def load_state(path: Path) -> tuple[Progress, dict[str, Any]]:
    """Read what `save_state` wrote; the generators are left alone (the result has "random").

    Returns:
        where the run is; and "model", "optimizer" and "random", which are mappings, "average", which may be None, and
        "data", which an older state does not have. What is in them is not looked at.

    Raises:
        RunFolderError: if there is no state, or it is damaged.
    """
    if not path.is_file():
        raise RunFolderError(path.parent.parent, "nothing to resume: the run has not saved a state yet")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what a damaged file seems to be
            with zipfile.ZipFile(path) as whole:  # a changed bit in a weight is seen by its checksum alone
                if (part := whole.testzip()) is not None:
                    raise ValueError(f"the checksum of {part} is another")
            # weights_only: a state is data, never code.
            values = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise _damaged(path, clipped(str(error))) from None
    if not isinstance(values, dict):
        raise _damaged(path, "it is no table of values")
    version = values.get("version")
    if type(version) is int and version > STATE_VERSION:
        raise RunFolderError(path, f"state version {shown(version)} is newer than this program's, {STATE_VERSION}")
    for name, kind in (("model", dict), ("optimizer", dict), ("random", dict), ("progress", dict)):
        if not isinstance(values.get(name), kind):
            raise _damaged(path, f"it has no {name}")
    for name in ("average", "data"):
        if not isinstance(values.setdefault(name, None), dict | None):
            raise _damaged(path, f"its {name} is no table of values")
    try:
        return _progress(values.pop("progress")), values
    except ValueError as error:
        raise _damaged(path, str(error)) from None


def _damaged(path: Path, problem: str) -> RunFolderError:
    """What to raise of a damaged state: what is wrong, and that the one before it is there if it is."""
    former = previous_state(path)
    rest = f"; the state before it is there: move {former.name} to {path.name} to go on from it" * former.is_file()
    return RunFolderError(path, f"the saved state is damaged: {problem}{rest}")


def _progress(values: dict[str, Any]) -> Progress:
    """A progress whose every value is one that a run can have.

    Raises:
        ValueError: naming the one that is not.
    """
    known = {each.name: each.default for each in fields(Progress)}
    values = {"horizon": 0, "threads": 0, **values}  # states from before there were these
    for name in values:
        if name not in known:
            raise ValueError(f"unknown value {shown(name)} in its progress")
    for name in known:
        if name not in values:
            raise ValueError(f"progress.{name} is missing")
        if not _is_proper(name, values[name]):
            raise ValueError(f"progress.{name} = {shown(values[name])}")
    return Progress(**values)


def _is_proper(name: str, value: Any) -> bool:
    if name == "checkpoints":
        return isinstance(value, list) and all(isinstance(v, str) and CHECKPOINT.fullmatch(v) for v in value)
    if name == "finished":
        return isinstance(value, bool)
    if name == "best" and value is None:
        return True
    if name in ("best", "seconds", "loss_sum"):
        return isinstance(value, float | int) and not isinstance(value, bool) and abs(value) < 1e300
    return type(value) is int and 0 <= value < 2**53
