"""One reader of text, whatever the file is."""

import bz2
import gzip
import io
import lzma
import os
import sys
import tracemalloc
from pathlib import Path

import pytest

from patchword.errors import DataError
from patchword.text.files import MOST_LINE, Damage, count_lines, lines_of, read_lines, stream_lines

TEXT = "Ein Hund.\nZwei \u2028 Kätzchen\n\n犬"
LINES = ["Ein Hund.", "Zwei \u2028 Kätzchen", "", "犬"]

FORMS = {
    "plain": TEXT.encode(),
    "windows": TEXT.replace("\n", "\r\n").encode(),
    "old mac": TEXT.replace("\n", "\r").encode(),
    "mark": b"\xef\xbb\xbf" + TEXT.encode(),
    "utf-16": TEXT.encode("utf-16"),
    "utf-16 big": b"\xfe\xff" + TEXT.encode("utf-16-be"),
    "utf-32": TEXT.encode("utf-32"),
    "gzip": gzip.compress(TEXT.encode(), mtime=0),
    "gzip members": gzip.compress(TEXT[:9].encode(), mtime=0) + gzip.compress(TEXT[9:].encode(), mtime=0) + b"\0" * 7,
    "gzip of utf-16": gzip.compress(TEXT.encode("utf-16"), mtime=0),
    "gzip of mark": gzip.compress(b"\xef\xbb\xbf" + TEXT.encode(), mtime=0),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_file_gives_the_same_lines(tmp_path: Path, form: str) -> None:
    path = tmp_path / "text"  # no name tells what it is
    path.write_bytes(FORMS[form])
    assert read_lines(path) == list(stream_lines(path)) == LINES
    assert count_lines(path) == len(LINES)


@pytest.mark.parametrize("form", sorted(set(FORMS) - {"old mac"}))
def test_standard_input_is_read_as_a_file_is(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    class Drops(io.BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            return self.read(1)

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Drops(FORMS[form])))
    assert list(stream_lines(None)) == LINES


def test_a_typed_line_comes_before_the_next_is_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    with os.fdopen(read, "r") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        lines = stream_lines(None)
        for text in ("a", "bc"):
            os.write(write, f"{text}\n".encode())
            assert next(lines) == text
        os.close(write)
        assert list(lines) == []


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (gzip.compress(b"a\n" * 100, mtime=0)[:-9], "not a whole gzip file: it ends in the middle"),
        (gzip.compress(b"a\n" * 100, mtime=0) + b"rest", "not a whole gzip file"),
        (b"\x1f\x8b\x08 broken", "not a whole gzip file"),
        (b"\xff\xfea\x00\x00\xd8b\x00", "begins as UTF-16 text, but is damaged"),
        ("Zeile\n".encode("utf-16-le"), "is no text: many of its bytes are 0"),
        (b"PK\x03\x04\x14\n", "is no text but a zip file; only gzip is unpacked: unpack it"),
        (bz2.compress(b"a\n"), "is no text but a bzip2 file"),
        (lzma.compress(b"a\n"), "is no text but a xz file"),
        (b"a\nb\xe4h\n", "line 2: not UTF-8 text: byte 0xe4"),
        (b"a\n" + b"x" * (MOST_LINE + 1) + b"\nc\n", "line 2: has more than 1,048,576 bytes"),
    ],
)
def test_what_is_no_text_is_one_sentence(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_lines(path)
    assert problem in str(caught.value)


def test_lines_after_a_damaged_one_keep_their_numbers() -> None:
    stream = io.BytesIO(b"a\n\xff\n" + b"x" * (3 * MOST_LINE) + b"\nd\n" + b"y" * (MOST_LINE + 1))
    found = list(lines_of(stream, "f"))
    assert [line.line if isinstance(line, Damage) else line for line in found] == ["a", 2, 3, "d", 5]


@pytest.mark.parametrize("unit", [b"\0", b"no end ", b"a long line with an end " * 40 + b"\n"])
def test_a_small_file_that_unpacks_to_very_much_takes_little_memory(tmp_path: Path, unit: bytes) -> None:
    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb", compresslevel=9) as file:
        for _ in range(24):
            file.write(unit * (2**20 // len(unit)))
    assert path.stat().st_size < 2**20
    tracemalloc.start()
    with pytest.raises(DataError):
        for _ in stream_lines(path):
            pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**23


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_only_files_with_an_end_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(DataError, match="is a device or a pipe; expected a text file"):
            read_lines(path)
    with pytest.raises(DataError, match="no such file"):
        count_lines(tmp_path / "none")
