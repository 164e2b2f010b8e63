"""metrics.jsonl, a row of numbers at a time."""

import json
import math
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from patchword.errors import PatchwordError
from patchword.files import replacing, writing
from patchword.training.state import Progress


class RowListener(Protocol):
    """What is told every row that metrics.jsonl gets; `Curves` and `EventFiles` are some."""

    def begin(self, rows: Sequence[dict[str, Any]]) -> None:
        """Before the first row of this sitting; the rows are those from before it."""

    def add(self, row: dict[str, Any]) -> None:
        """A row that was written."""

    def end(self) -> None:
        """After the last one."""


class MetricsLog:
    """Appends rows to metrics.jsonl, inside a `with` block.

    Args:
        path: the file.
        progress: of the state that a run goes on from; rows that it does not know of are dropped, since the resumed run
            will write them again. None for a start from nothing, which keeps no rows.
        listeners: are told the rows.
    """

    def __init__(self, path: Path, progress: Progress | None = None, listeners: Sequence[RowListener] = ()) -> None:
        self.path, self._listeners = path, listeners
        self._rows = _known(read_metrics(path), progress) if progress is not None else []
        with replacing(path) as temporary:
            temporary.write_text("".join(json.dumps(row) + "\n" for row in self._rows), encoding="utf-8")

    def __enter__(self) -> Self:
        for listener in self._listeners:
            listener.begin(self._rows)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for listener in self._listeners:
            # What has ended the run is said, not that a full disk has no room for a listener's file either.
            with suppress(PatchwordError) if error is not None else nullcontext():
                listener.end()

    def add(self, row: dict[str, Any]) -> None:
        """Append a row; it has at least "step"."""
        with writing(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        for listener in self._listeners:
            listener.add(row)


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """All whole rows of a metrics.jsonl; what is none, such as a last line that a kill has cut, is passed over."""
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    return [row for line in lines[:-1] if (row := _row(line)) is not None]


def _known(rows: list[dict[str, Any]], progress: Progress) -> list[dict[str, Any]]:
    """What a state knows of; a run that is killed while it ends has validated more than its state says."""
    at_step = [row for row in rows if row["step"] == progress.step]
    validations = [row for row in at_step if "validation" in row]
    counted = len(validations) if progress.finished else int(progress.validated == progress.step)
    unknown = [id(row) for row in validations[counted:]]
    return [row for row in rows if row["step"] <= progress.step and id(row) not in unknown]


def _row(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict) or type(row.get("step")) is not int or not 0 <= row["step"] < 2**53:
        return None
    scores = row.get("validation", {})
    whole = isinstance(scores, dict) and all(map(_is_number, [row.get("loss", 0.0), *scores.values()]))
    return row if whole else None


def _is_number(value: Any) -> bool:
    # Whole numbers may be beyond what a float can be.
    return type(value) in (int, float) and (math.isnan(value) or abs(value) <= 1e300 or math.isinf(value))
