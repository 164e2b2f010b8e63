"""Cleaned text has the form that it had, the order that it had, and nothing else than was harmful is gone."""

import gzip
import json
import zipfile
from pathlib import Path

import pytest

from patchword.checking import check
from patchword.errors import DataError, RecipeError
from patchword.text.pairs import read_pairs
from tests.text.checks.test_looking import sentences, write


def both(paths: list[Path]) -> list[tuple[str, str]]:
    return [(pair.source, pair.target) for pair in read_pairs(paths)]


def test_aligned_files_lose_the_same_lines_and_the_originals_nothing(tmp_path: Path) -> None:
    pairs = sentences(30)
    paths = write(tmp_path, "train", [*pairs[:10], ("A dog.", ""), *pairs[10:], pairs[0]])
    before = [path.read_bytes() for path in paths]
    found = check(paths, fix=tmp_path / "out")
    assert both([tmp_path / "out/train.en", tmp_path / "out/train.de"]) == pairs
    assert [path.read_bytes() for path in paths] == before
    assert found.written["training"] == ([tmp_path / "out/train.en", tmp_path / "out/train.de"], 30)


def test_what_is_only_suspicious_stays_unless_it_is_named(tmp_path: Path) -> None:
    pairs = sentences(30)
    near = (pairs[3][0].replace("here", "there"), pairs[3][1].replace("hier", "dort"))
    paths = write(tmp_path, "train", [*pairs, near])
    check(paths, fix=tmp_path / "all")
    assert both([tmp_path / "all/train.en", tmp_path / "all/train.de"]) == [*pairs, near]
    check(paths, fix=tmp_path / "less", drop=["near-duplicates"])
    assert both([tmp_path / "less/train.en", tmp_path / "less/train.de"]) == pairs
    with pytest.raises(RecipeError, match="no such finding that items have; did you mean 'near-duplicate'"):
        check(paths, fix=tmp_path / "none", drop=["near-duplicat"])
    with pytest.raises(RecipeError, match="give --fix OUT too"):
        check(paths, drop=["copied"])


def test_training_text_loses_what_is_tested_on_and_test_text_is_not_written(tmp_path: Path) -> None:
    pairs, held = sentences(30), sentences(5, seed=2)
    paths = write(tmp_path, "train", [*pairs, held[2]])
    check(paths, test=write(tmp_path, "test", [*held, ("", "x")]), fix=tmp_path / "out")
    assert both([tmp_path / "out/train.en", tmp_path / "out/train.de"]) == pairs
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["train.de", "train.en"]


def test_files_of_equal_names_do_not_overwrite_each_other(tmp_path: Path) -> None:
    pairs, places = sentences(25), []
    for split in ("train", "val"):
        for side in (0, 1):
            place = tmp_path / split / str(side) / "text.txt"
            place.parent.mkdir(parents=True)
            place.write_text("".join(f"{pair[side]}\n" for pair in pairs[: 20 if split == "train" else 25]))
            places.append(place)
    found = check(places[:2], validation=places[2:], fix=tmp_path / "out", source_language="en", target_language="de")
    assert len(found.of("leak")) == 20
    written = [path for paths, _ in found.written.values() for path in paths]
    assert len(set(written)) == 4
    assert both(list(found.written["validation"][0])) == pairs


def test_nothing_that_exists_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(DataError, match="exists already"):
        check(write(tmp_path, "train", sentences(5)), fix=tmp_path / "out")


PAIRS = sentences(6)
ROWS = [*PAIRS, ("A dog.", ""), PAIRS[1]]


def tsv(line_end: str = "\n", header: str = "", tail: str = "") -> str:
    return header + line_end.join(f"{s}\t{t}" for s, t in ROWS) + line_end + tail


def csv(rows: list[tuple[str, str]]) -> str:
    return "".join(f'"{s}";"{t}"\r\n' for s, t in rows)


FORMS = {
    "plain.tsv": tsv().encode(),
    "windows.tsv": tsv("\r\n").encode("utf-8-sig"),
    "header.tsv": tsv(header="source\ttarget\n", tail="\n\n").encode(),
    "utf16.tsv": tsv().encode("utf-16"),
    "unended.tsv": tsv().removesuffix("\n").encode(),
    "packed.tsv.gz": gzip.compress(tsv().encode()),
    "nameless": tsv().encode(),
    "excel.csv": f"sep=;\r\n{csv(ROWS)}".encode("utf-8-sig"),
    "objects.jsonl": "".join(json.dumps({"translation": {"en": s, "de": t}}) + "\n" for s, t in ROWS).encode(),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_is_written_as_it_was(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(FORMS[name])
    found = check(tmp_path / name, "translation", fix=tmp_path / "out")
    assert [(f.kind, f.text[:3]) for f in found.found if f.kind == "empty"] == [("empty", "the")]
    assert len(found.of("duplicate")) == 1
    written = tmp_path / "out" / name
    assert both([written]) == PAIRS
    if name == "header.tsv":
        assert written.read_text().startswith("source\ttarget\n")
    if name.endswith(".gz"):
        assert gzip.decompress(written.read_bytes()).count(b"\n") == 6


def test_rows_of_several_lines_go_whole(tmp_path: Path) -> None:
    rows = [("One\nline", "Eine\nZeile"), ("Two", "Zwei"), ("Two", "Zwei"), ("Three\nlines", ""), ("Last\nrow", "")]
    (tmp_path / "a.csv").write_bytes(csv(rows).encode())
    found = check(tmp_path / "a.csv", fix=tmp_path / "out")
    assert [f.line for f in found.of("empty")] == [6, 8]
    assert both([tmp_path / "out/a.csv"]) == rows[:2]


def test_a_zip_of_one_table_stays_one(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("data/pairs.tsv", tsv("\r\n"))
    check(tmp_path / "a.zip", fix=tmp_path / "out")
    assert both([tmp_path / "out/a.zip"]) == PAIRS


@pytest.mark.parametrize("packed", [False, True])
def test_a_zip_of_two_files_stays_one(tmp_path: Path, packed: bool) -> None:
    ending = ".gz" if packed else ""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for side, language in enumerate(("en", "de")):
            text = "".join(f"{pair[side]}\n" for pair in ROWS).encode()
            archive.writestr(f"data/text.{language}{ending}", gzip.compress(text) if packed else text)
        archive.writestr("README", "about")
    check(tmp_path / "a.zip", fix=tmp_path / "out")
    assert both([tmp_path / "out/a.zip"]) == PAIRS
