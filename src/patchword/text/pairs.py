"""Parallel text: pairs of sentences with the line that each came from."""

import gzip
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patchword.errors import DataError


@dataclass(frozen=True)
class Pair:
    """A sentence and its translation; `line` counts from 1 in the file or files that it was read from."""

    source: str
    target: str
    line: int


def read_lines(path: Path) -> list[str]:
    """All lines of a UTF-8 text file, plain or gzip (by its name, .gz), without their ends.

    Only line feeds end lines, so that a Unicode line separator inside a sentence cannot shift the alignment.

    Raises:
        DataError: if the file is missing, is a folder, is damaged, or is not UTF-8 (with the line).
    """
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except FileNotFoundError:
        raise DataError(path, "no such file") from None
    except IsADirectoryError:
        raise DataError(path, "is a folder; expected a text file") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(path, f"not a whole gzip file: {error}") from None
    except OSError as error:
        raise DataError(path, f"cannot be read: {error.strerror}") from None
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            path, f"not UTF-8 text: byte 0x{data[error.start]:02x}; convert the file to UTF-8", line
        ) from None
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def read_pairs(paths: Sequence[Path], languages: tuple[str, str] | None = None) -> list[Pair]:
    """Read parallel text.

    Args:
        paths: two aligned files, a sentence a line; or one file, .tsv (source, tab, target) or .jsonl (an object a
            line, see `_from_object`); any of them with .gz behind.
        languages: source and target, the keys of JSON objects that name languages.

    Raises:
        DataError: naming file and line: unequal line counts, an empty side, a row that is no pair, no pairs at all.
    """
    if len(paths) == 2:
        pairs = _aligned(*paths)
    else:
        kind = paths[0].name.removesuffix(".gz").rsplit(".", 1)[-1].lower()
        if kind == "tsv":
            pairs = list(_tab_separated(paths[0]))
        elif kind in ("jsonl", "json", "ndjson"):
            pairs = list(_json_lines(paths[0], languages))
        else:
            raise DataError(paths[0], "one file must be .tsv or .jsonl; otherwise give two, a source and a target")
    if not pairs:
        raise DataError(paths[0], "holds no sentence pairs")
    for pair in pairs:
        for side, text, path in (("source", pair.source, paths[0]), ("target", pair.target, paths[-1])):
            if not text:
                raise DataError(path, f"the {side} side is empty", pair.line)
    return pairs


def _aligned(source: Path, target: Path) -> list[Pair]:
    sources, targets = read_lines(source), read_lines(target)
    if len(sources) != len(targets):
        raise DataError(
            target, f"has {len(targets):,} lines, but {source} has {len(sources):,}; line N must translate line N"
        )
    return [Pair(s.strip(), t.strip(), line) for line, (s, t) in enumerate(zip(sources, targets, strict=True), 1)]


def _tab_separated(path: Path) -> Iterator[Pair]:
    for line, row in enumerate(read_lines(path), 1):
        columns = row.split("\t")
        if len(columns) != 2:
            raise DataError(path, f"has {len(columns)} columns; expected source, tab, target", line)
        yield Pair(columns[0].strip(), columns[1].strip(), line)


def _json_lines(path: Path, languages: tuple[str, str] | None) -> Iterator[Pair]:
    for line, row in enumerate(read_lines(path), 1):
        try:
            value = json.loads(row)
        except json.JSONDecodeError as error:
            raise DataError(path, f"not JSON: {error.msg} at column {error.colno}", line) from None
        yield _from_object(path, value, line, languages)


def _from_object(path: Path, value: Any, line: int, languages: tuple[str, str] | None) -> Pair:
    """{"source": ..., "target": ...}, or {"en": ..., "de": ...}, or that within "translation"."""
    if isinstance(value, dict) and isinstance(value.get("translation"), dict):
        value = value["translation"]
    for keys in (("source", "target"), languages or ()):
        if isinstance(value, dict) and keys and all(isinstance(value.get(key), str) for key in keys):
            return Pair(value[keys[0]].strip(), value[keys[1]].strip(), line)
    wanted = "'source' and 'target'" + (f", or {languages[0]!r} and {languages[1]!r}" if languages else "")
    raise DataError(path, f"expected an object with the texts {wanted}", line)
