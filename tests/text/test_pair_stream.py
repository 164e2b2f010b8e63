"""Pairs as they come: every line is one, and a line that is none ends the stream after those before it."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from patchword.errors import DataError
from patchword.text.pair_stream import stream_pairs

PAIRS = [("one", "eins"), ("", "zwei"), ("", ""), ("four", "")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.tsv", "one\teins\n\tzwei\n\nfour\t\n"),
        ("a.csv", "one,eins\n,zwei\n,\nfour,\n"),
        ("a.jsonl", "\n".join(f'{{"source": "{s}", "target": "{t}"}}' for s, t in PAIRS) + "\n"),
    ],
)
def test_a_table_keeps_its_empty_lines(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert list(stream_pairs([tmp_path / name])) == PAIRS


def test_two_files_are_read_side_by_side(tmp_path: Path) -> None:
    for side, name in enumerate(("a", "b")):
        (tmp_path / name).write_text("".join(f"{pair[side]}\n" for pair in PAIRS))
    assert list(stream_pairs([tmp_path / "a", tmp_path / "b"])) == PAIRS
    (tmp_path / "b").write_text("eins\n")
    with pytest.raises(DataError, match=r"b: has 1 lines, but .*a has 4; line N must translate line N"):
        next(stream_pairs([tmp_path / "a", tmp_path / "b"]))


def test_what_is_no_pair_ends_them_after_those_before_it(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("one\teins\ntwo\n")
    pairs: Iterator[tuple[str, str]] = stream_pairs([tmp_path / "a.tsv"])
    assert next(pairs) == ("one", "eins")
    with pytest.raises(DataError, match=r"a\.tsv, line 2: has 1 columns"):
        next(pairs)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("a.tsv", "one\teins\n")
    with pytest.raises(DataError, match="is a zip, which is not read line by line"):
        next(stream_pairs([tmp_path / "a.zip"]))
