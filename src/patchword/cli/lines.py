"""Text that streams through a verb: lines in, records out, and going on after an interruption."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from patchword.errors import DataError, reason
from patchword.files import writing


def chunks(lines: Iterable[str], size: int) -> Iterator[list[str]]:
    """Lists of `size` lines; if reading fails, first the lines that came before."""
    chunk: list[str] = []
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


def read_lines(file: Path | None) -> Iterator[str]:
    """Lines of a file or of standard input, decoded one at a time so that a wrong byte is reported with its line."""
    name = "standard input" if file is None else str(file)
    try:
        opened = nullcontext(sys.stdin.buffer) if file is None else file.open("rb")
    except FileNotFoundError:
        raise DataError(name, "no such file") from None
    except OSError as error:
        raise DataError(name, f"cannot be read: {error.strerror}") from None
    with opened as stream:
        for number, line in enumerate(stream, 1):
            try:
                yield line.decode("utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                raise DataError(name, f"not UTF-8 text: byte 0x{line[error.start]:02x}", number) from None


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
    """

    def __init__(self, total: int | None, done: int) -> None:
        self._progress = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("lines  {task.fields[rate]}"),
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

    def advance(self) -> None:
        """Count a line as done."""
        self._done += 1
        elapsed = self._progress.tasks[0].elapsed or 0.0
        rate = f"{self._done / elapsed:,.1f} lines/s" if elapsed > 0 else ""
        self._progress.update(self._task, advance=1, rate=rate)


def count_lines(path: Path) -> int:
    """Lines of a file, in constant memory; a last one without a line end counts."""
    count, last = 0, b"\n"
    try:
        with path.open("rb") as file:
            while block := file.read(2**20):
                count, last = count + block.count(b"\n"), block[-1:]
    except OSError as error:
        problem = "no such file" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
        raise DataError(path, problem) from None
    return count + (last != b"\n")


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
