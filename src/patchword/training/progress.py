"""The one progress bar of a training run."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class TrainingBar:
    """Shows how far the run is, its loss, its rate and the time left, on standard error.

    Args:
        description: what is being trained.
        enabled: False shows nothing at all.
        start: the fraction already done when a run is resumed.
    """

    def __init__(self, description: str, enabled: bool = True, start: float = 0.0) -> None:
        self._console = Console(stderr=True, quiet=not enabled)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f} %  {task.fields[text]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
        )
        self._task = self._bar.add_task(description, total=1.0, text="")
        self._bar.update(self._task, completed=start)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def update(self, fraction: float, text: str) -> None:
        """Move to a fraction of the whole, with a text beside the bar."""
        self._bar.update(self._task, completed=fraction, text=text)

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self._console.print(text, highlight=False, markup=False)
