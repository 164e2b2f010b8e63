"""Lines of text, for every verb: of a file, a member of a zip, or standard input.

Text is UTF-8, or UTF-16 and UTF-32 with a byte-order mark; plain or gzip, which is seen by its content. A line ends
with a line feed, before which a carriage return may stand; a Unicode line separator inside a sentence is text. A file
without any line feed may have carriage returns alone. A line has at most `MOST_LINE` bytes.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from patchword.errors import DataError, reason
from patchword.files import regular
from patchword.text.unpacking import BLOCK, utf8_blocks

MOST_LINE = 2**20  # bytes

STANDARD_INPUT = "standard input"


@dataclass(frozen=True)
class Damage:
    """What cannot be used of a text.

    Attributes:
        file: its name.
        line: counted from 1.
        problem: what was found and what was expected.
        blank: whether there is nothing at all, on either side.
        unused: whether nothing is wrong with it: units that are no pairs yet, which `problem` counts.
    """

    file: str
    line: int
    problem: str
    blank: bool = False
    unused: bool = False

    def error(self) -> DataError:
        """The same as an error."""
        return DataError(self.file, self.problem, self.line)

    def __str__(self) -> str:
        return str(self.error())


def read_lines(path: Path) -> list[str]:
    """All lines of a file, without their ends.

    Raises:
        DataError: if the file is missing, is no regular file, is damaged, or is not UTF-8 (with the line).
    """
    return list(stream_lines(path))


def stream_lines(path: Path | None) -> Iterator[str]:
    """Lines of a file, or of standard input if there is none, as they come.

    Raises:
        DataError: as `read_lines` does, after the lines that come before.
    """
    with opened(path) as stream:
        for line in lines_of(stream, STANDARD_INPUT if path is None else str(path)):
            if isinstance(line, Damage):
                raise line.error()
            yield line


def count_lines(path: Path) -> int:
    """How many lines `stream_lines` has, without reading what is in them."""
    with opened(path) as stream:
        return sum(len(rows) for _, rows in _rows(stream, str(path)))


@contextmanager
def opened(path: Path | None) -> Iterator[IO[bytes]]:
    """The bytes of a regular file, or of standard input.

    Raises:
        DataError: if the file is missing, is no regular file or cannot be read.
    """
    if path is None:
        yield sys.stdin.buffer
        return
    regular(path, "a text file")
    try:
        stream = path.open("rb")
    except OSError as error:
        raise DataError(path, f"cannot be read: {reason(error)}") from None
    with stream:
        yield stream


def lines_of(stream: IO[bytes], name: str) -> Iterator[str | Damage]:
    """Lines without their ends, and in place of one that is no text, what is wrong with it."""
    for first, rows in _rows(stream, name):
        # Most blocks are text from end to end.
        try:
            text = b"\n".join(rows).decode("utf-8")
        except UnicodeDecodeError:
            for number, row in enumerate(rows, first):
                yield _line(row, number, name)
            continue
        lines = text.split("\n")
        if len(max(rows, key=len)) > MOST_LINE:
            yield from (_line(row, number, name) for number, row in enumerate(rows, first))
        elif "\r" in text:
            yield from (line.removesuffix("\r") for line in lines)
        else:
            yield from lines


def _line(row: bytes, number: int, name: str) -> str | Damage:
    if len(row) > MOST_LINE:
        return Damage(name, number, f"has more than {MOST_LINE:,} bytes; no sentence is as long")
    try:
        return row.decode("utf-8").removesuffix("\r")
    except UnicodeDecodeError as error:
        return Damage(name, number, f"not UTF-8 text: byte 0x{row[error.start]:02x}")


def _rows(stream: IO[bytes], name: str) -> Iterator[tuple[int, list[bytes]]]:
    """The number of a line, and this and following lines as bytes; of one that is too long only the beginning."""

    def read(count: int) -> bytes:
        try:
            # What somebody types comes as soon as it is there.
            return stream.read1(count) if hasattr(stream, "read1") else stream.read(count)
        except OSError as error:
            raise DataError(name, f"cannot be read: {reason(error)}") from None

    end: bytes | None = None
    number, kept = 1, b""
    for block in utf8_blocks(read, name):
        if end is None:
            end = b"\r" if len(block) > 1 and b"\r" in block[:-1] and b"\n" not in block else b"\n"
        if len(kept) > MOST_LINE:  # the rest of that line is passed over
            block = block[block.index(end) :] if end in block else b""
        kept += block
        *rows, kept = kept.split(end)
        if rows:
            yield number, rows
            number += len(rows)
    if kept:
        yield number, [kept]


assert BLOCK <= MOST_LINE
