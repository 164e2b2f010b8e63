"""Events of long work as progress bars and lines on standard error."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from patchword.errors import one_line
from patchword.training import events


class ProgressPrinter:
    """A listener that draws a bar a stage, and prints notes above it.

    Args:
        notes: whether to print the notes too.
    """

    def __init__(self, notes: bool = True) -> None:
        self._notes = notes
        self._console = Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f} %  {task.fields[text]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
        )
        self._stages: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stages:
            self._bars.stop()

    def __call__(self, event: events.Event) -> None:
        """Draw what happened."""
        if isinstance(event, events.Note):
            if self._notes:
                self._console.print(one_line(event.text), highlight=False, markup=False, soft_wrap=True)
            return
        if event.stage not in self._stages:
            if not self._stages:
                # Not before: bars that never were would end in an empty line, above what is said of a mistake.
                self._bars.start()
            # Only from here on is the time left estimated, where a run was resumed.
            self._stages[event.stage] = self._bars.add_task(escape(one_line(event.stage)), total=1.0, text="")
        self._bars.update(self._stages[event.stage], completed=event.fraction, text=event.text)
