"""curves.png, drawn from the rows of metrics.jsonl."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from patchword.files import replacing

SHARE = 20  # between two drawings passes this many times what the last one took


class Curves:
    """A `RowListener` that draws a run's curves: with its first validation, at its end, and often enough between them.

    A drawing takes as long as hundreds of updates of a small network, so that one at every validation would be most of
    the time of a run that validates often.

    Args:
        path: the PNG to write.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: list[dict[str, Any]] = []
        self._stale, self._next = False, 0.0

    def begin(self, rows: Sequence[dict[str, Any]]) -> None:
        """Take the rows of the sittings before this one."""
        self._rows = list(rows)

    def add(self, row: dict[str, Any]) -> None:
        """Take in a new row, and draw if it is a validation and the last drawing was long ago."""
        self._rows.append(row)
        self._stale = self._stale or "validation" in row
        if "validation" in row and time.perf_counter() >= self._next:
            self.end()

    def end(self) -> None:
        """Draw what has not been drawn yet."""
        if not self._stale:
            return
        start = time.perf_counter()
        draw_curves(self._rows, self._path)
        now = time.perf_counter()
        self._stale, self._next = False, now + SHARE * (now - start)


def draw_curves(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw training loss and every validation score over steps.

    Args:
        rows: from `read_metrics`; training rows have "loss", validation rows "validation".
        path: the PNG to write.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    training = [row for row in rows if "loss" in row]
    validation = [row for row in rows if "validation" in row]
    # The last row is this program's; others may have been changed by hand.
    names = [name for name in (validation[-1]["validation"] if validation else {}) if name != "loss"]
    figure = Figure(figsize=(5 * (1 + len(names)), 3.6), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots(1, 1 + len(names), squeeze=False)[0]
    axes[0].plot([row["step"] for row in training], [row["loss"] for row in training], label="training")
    if validation and "loss" in validation[-1]["validation"]:
        axes[0].plot(*_curve(validation, "loss"), label="validation")
    axes[0].set(xlabel="step", ylabel="loss")
    axes[0].legend()
    for axis, name in zip(axes[1:], names, strict=True):
        axis.plot(*_curve(validation, name), marker=".")
        axis.set(xlabel="step", ylabel=f"validation {name.replace('_', ' ')}")
    for axis in axes:
        axis.grid(alpha=0.3)
    with replacing(path) as temporary:
        canvas.print_png(str(temporary))


def _curve(rows: list[dict[str, Any]], name: str) -> tuple[list[int], list[float]]:
    found = [(row["step"], row["validation"][name]) for row in rows if name in row["validation"]]
    return [step for step, _ in found], [score for _, score in found]
