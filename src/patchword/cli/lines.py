"""Text that streams through a verb: lines in, records out, and going on after an interruption."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, TypeVar

import typer

from patchword.errors import DataError, one_line, reason
from patchword.files import writing

T = TypeVar("T")


def chunks(lines: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of `size` lines; if reading fails, first the lines that came before."""
    chunk: list[T] = []
    try:
        for line in lines:
            chunk.append(line)
            if len(chunk) == size:
                yield chunk
                chunk = []
    except DataError:
        yield chunk
        raise
    yield chunk


def without_line_ends(text: str) -> str:
    """A text without line ends: a model can spell one byte by byte, and a line in must stay a line out."""
    return " ".join(text.splitlines())


def utf8_argument(text: str, number: int) -> str:
    """A text of the command line, whose bytes are UTF-8 whatever the system's locale says.

    Raises:
        DataError: if they are not.
    """
    try:
        return os.fsencode(text).decode("utf-8")
    except UnicodeError as error:
        byte = f": byte 0x{error.object[error.start]:02x}" if isinstance(error, UnicodeDecodeError) else ""
        raise DataError(f"text {number} of the command line", f"not UTF-8 text{byte}") from None


class LongTexts:
    """Which lines were longer than sentences are, and which could not be translated.

    Args:
        say: hears sentences.
    """

    def __init__(self, say: Callable[[str], None] = lambda text: typer.echo(f"patchword: {text}", err=True)) -> None:
        self.failed = False
        self._say = say
        self._lines: list[int] = []
        self._count = 0

    def see(self, number: int, translation: Any, notes: Iterable[str] = ()) -> None:
        """Look at a line's translation; notes about it, and why it failed, are told at once."""
        for note in notes:
            self._say(f"line {number}: {one_line(note)}")
        if translation.error is not None:
            self.failed = True
            self._say(f"line {number}: {translation.error}")
        elif translation.is_long:
            self._count += 1
            self._lines = [*self._lines, number][:10]

    def tell(self) -> None:
        """Say how many there were."""
        if self._count:
            lines = ", ".join(map(str, self._lines)) + (", ..." if self._count > len(self._lines) else "")
            self._say(
                f"{self._count:,} texts longer than a sentence were translated as one (line {lines}); "
                "parts may be missing: cut them into sentences"
            )


class RecordFile:
    """A file that receives a record of one or more lines for every input line.

    Args:
        path: the file.
        resume: keep the whole records that it has, and write after them; otherwise begin anew.
        numbered: a record is all lines that begin with its number and a tab; otherwise it is one line.

    Attributes:
        done: records that are already there.

    Raises:
        DataError: if the file cannot be written, or is no file of such records.
    """

    def __init__(self, path: Path, resume: bool, numbered: bool) -> None:
        self.done = 0
        self._path = path
        self._file: IO[bytes]
        try:
            if resume and path.exists():
                self.done, end = _whole_records(path, numbered)
                self._file = path.open("r+b")
                self._file.truncate(end)
                self._file.seek(end)
            else:
                self._file = path.open("wb")
        except OSError as error:
            raise DataError(path, f"cannot be written: {reason(error)}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError) if kind else writing(self._path):  # closing writes once more what could not be written
            self._file.close()

    def write(self, text: str) -> None:
        """Write whole records; they are out of this process's hands when this returns."""
        with writing(self._path):
            self._file.write(text.encode())
            self._file.flush()


class LineBar:
    """A progress bar on standard error: lines done, lines a second, time left.

    Args:
        total: lines in all; None if that is unknown.
        done: lines done before.
        unit: what is counted.
    """

    def __init__(self, total: int | None, done: int, unit: str = "lines") -> None:
        # Imported here: without a bar a program starts faster.
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._unit = unit
        self._progress = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(f"{unit}  {{task.fields[rate]}}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._task = self._progress.add_task("", total=total, rate="")
        self._progress.update(self._task, completed=done)
        self._done = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def expect(self, total: int) -> None:
        """Say how many lines there are in all, where that was not known."""
        self._progress.update(self._task, total=total)

    def advance(self, count: int = 1) -> None:
        """Count lines as done."""
        self._done += count
        elapsed = self._progress.tasks[0].elapsed or 0.0
        rate = f"{self._done / elapsed:,.1f} {self._unit}/s" if elapsed > 0 else ""
        self._progress.update(self._task, advance=count, rate=rate)


def _whole_records(path: Path, numbered: bool) -> tuple[int, int]:
    """Number of whole records at the beginning of a file, and the bytes that they take."""
    records = end = position = 0
    previous: int | None = None
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                break
            if numbered:
                number = line.split(b"\t", 1)[0]
                if not number.isdigit():
                    raise DataError(path, "is no file of numbered translations; --resume needs the options it had")
                if int(number) not in (previous, 1 if previous is None else previous + 1):
                    raise DataError(path, f"line number {int(number)} follows {previous or 0}; it cannot be resumed")
                if int(number) != previous:
                    # Only a following number shows that a record had all its lines.
                    records, end, previous = int(number) - 1, position, int(number)
                position += len(line)
            else:
                position += len(line)
                records, end = records + 1, position
    return records, end
