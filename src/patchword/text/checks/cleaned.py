"""Parallel text without the pairs in which something was found, in the form that it has."""

import gzip
import json
import zipfile
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from pathlib import Path

from patchword.text.archives import is_zip
from patchword.text.checks.records import Record, Text
from patchword.text.files import Damage, lines_of
from patchword.text.language import language_code


def write_cleaned(text: Text, without: Collection[int], folder: Path, prefix: str = "") -> tuple[list[Path], int]:
    """Write a text again without some of its pairs; files keep their names, and become UTF-8 with plain line ends.

    A translators' file, whose units are no lines, becomes JSON lines whose keys are its languages, where it names them.

    Args:
        text: it is only read.
        without: lines of pairs to leave out; what cannot be read is left out anyway.
        folder: to write into.
        prefix: of the files' names.

    Returns:
        the files, as training takes them, and how many pairs they have.
    """
    if not text.by_line:
        path = folder / f"{prefix}{text.paths[0].name}.jsonl"
        kept = [item for item in text.records() if isinstance(item, Record) and item.line not in without]
        source, target = (language_code(language or "") for language in text.named)
        keys = (source, target) if source and target and source != target else ("source", "target")
        rows = (json.dumps({keys[0]: r.source, keys[1]: r.target}, ensure_ascii=False) + "\n" for r in kept)
        path.write_text("".join(rows), encoding="utf-8")
        return [path], len(kept)
    gone, count = _lines_without(text, without)
    files = text.files()
    if is_zip(text.paths[0]) and len(text.paths) == 1:
        path = folder / f"{prefix}{text.paths[0].name}"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for number, (_, name) in enumerate(files):
                packed = name.lower().endswith(".gz")
                with archive.open(name, "w", force_zip64=True) as stream:
                    for block in _packed(text, number, gone) if packed else _kept(text, number, gone):
                        stream.write(block)
        return [path], count
    sides = ("source.", "target.") if len({path.name for path in text.paths}) < len(text.paths) else ("", "")
    paths = [folder / f"{prefix}{side}{path.name}" for path, side in zip(text.paths, sides, strict=False)]
    for number, path in enumerate(paths):
        opened = gzip.open if path.suffix.lower() == ".gz" else open
        with opened(path, "wb") as stream:
            for block in _kept(text, number, gone):
                stream.write(block)
    return paths, count


def _lines_without(text: Text, without: Collection[int]) -> tuple[set[int], int]:
    """The lines to leave out, and how many pairs are left; a row of a CSV may have several lines."""
    gone: set[int] = set()
    count = start = 0
    for item in text.records():
        if start:
            gone.update(range(start, item.line))
        bad = isinstance(item, Damage) or item.line in without
        start = item.line if bad else 0
        if bad:
            gone.add(item.line)
        count += not bad
    if start and len(text.files()) == 1:
        gone.add(-start)  # and all after it
    return gone, count


def _kept(text: Text, number: int, gone: set[int]) -> Iterator[bytes]:
    last = -min(gone, default=0)
    with ExitStack() as stack:
        name = text.files()[number][0]
        for line, item in enumerate(lines_of(text.open(stack, number), name), 1):
            if last > 0 and line >= last:
                return
            if line not in gone and not isinstance(item, Damage):
                yield item.encode() + b"\n"


def _packed(text: Text, number: int, gone: set[int]) -> Iterator[bytes]:
    yield gzip.compress(b"".join(_kept(text, number, gone)))
