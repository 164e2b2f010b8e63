"""The rows of metrics.jsonl once more as TensorBoard's event files, which everything that they show is read from."""

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from patchword.errors import RecipeError
from patchword.files import writing

FOLDER = "tensorboard"
# Where a row is, which TensorBoard's axes show; everything else that a training row has is a curve.
_PLACE = ("step", "epoch", "seconds")
_MOST = 3e38  # event files have float32


def check_tensorboard() -> None:
    """See that event files can be written, before any data are read.

    Raises:
        RecipeError: if the extra is not installed.
    """
    try:
        import torch.utils.tensorboard  # noqa: F401
    except (ImportError, AttributeError):  # the second where there is only a folder of that name
        missing = "training.tensorboard needs the package tensorboard: pip install 'patchword[tensorboard]'"
        raise RecipeError(missing) from None


class EventFiles:
    """A `RowListener` that keeps a folder with the curves of a run.

    Curves are named "training/loss", "training/learning_rate", "validation/bleu" and so on, by step. The mean of the
    last checkpoints is validated at the step of the validation before it, and has "validation_of_mean/bleu".

    Args:
        folder: of this run alone; made if missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: Any = None

    def begin(self, rows: Sequence[dict[str, Any]]) -> None:
        """Start anew with the rows that are known, so that a run that goes on has no point twice and none too many.

        Who turns these files on for a run that goes on gets its whole past as well.
        """
        from torch.utils.tensorboard import SummaryWriter

        self._validated = -1
        with writing(self._folder):
            self._folder.mkdir(exist_ok=True, parents=True)
            before = sorted(self._folder.glob("events.out.tfevents.*"))
            if before:  # it reads files in the order of their names, which begin with the second of their making
                time.sleep(max(0.0, min(1.0, int(before[-1].name.split(".")[3]) + 1 - time.time())))
            # A TensorBoard that watches the folder has read the old files; from step 0 on it forgets what they said.
            # It does not go on to the next file if the one that it reads is gone, so that one is emptied.
            self._writer = SummaryWriter(str(self._folder), purge_step=0)
            for file in before:
                os.truncate(file, 0)
            # The rows have seconds of training; on TensorBoard's clock they have just passed, in one sitting.
            last = max((_seconds(row) for row in rows), default=0.0)
            at = time.time() - last
            seconds = 0.0
            for row in rows:
                seconds = max(seconds, _seconds(row))
                self._put(row, at + seconds)
            self._writer.flush()

    def add(self, row: dict[str, Any]) -> None:
        """Take in a new row; it is on the disk afterwards, whatever happens to this process."""
        with writing(self._folder):
            self._put(row, time.time())
            self._writer.flush()

    def end(self) -> None:
        """Close the file."""
        if self._writer is not None:
            with writing(self._folder):
                self._writer.close()

    def _put(self, row: dict[str, Any], at: float) -> None:
        for name, value in self._curves(row):
            self._writer.add_scalar(name, value, row["step"], at)

    def _curves(self, row: dict[str, Any]) -> Iterator[tuple[str, float]]:
        if "validation" not in row:
            yield from ((f"training/{name}", row[name]) for name in row if name not in _PLACE and _is_number(row[name]))
            return
        group = "validation_of_mean" if self._validated == row["step"] else "validation"
        self._validated = row["step"]
        scores = row["validation"].items()
        yield from ((f"{group}/{name}", value) for name, value in scores if _is_number(value))


def _seconds(row: dict[str, Any]) -> float:
    return float(row["seconds"]) if _is_number(row.get("seconds")) else 0.0


def _is_number(value: Any) -> bool:
    # A row that was changed by hand may have anything.
    return type(value) in (int, float) and not abs(value) > _MOST
