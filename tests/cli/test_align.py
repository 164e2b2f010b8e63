"""`patchword align`: a line of links a pair, in order, whatever the pairs."""

import json
from pathlib import Path

import pytest

import patchword
from tests.architectures.kinds import Refusals, done
from tests.tiny import tiny_translator

SOURCES = ["one two three", "four", "", "five six", "seven"]
TARGETS = ["ten nine", "eight", "one", "", "six five four"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("aligning") / "model"
    tiny_translator().save(folder)
    return folder


@pytest.fixture
def text(tmp_path: Path) -> list[object]:
    for name, lines in (("a", SOURCES), ("b", TARGETS)):
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines))
    return ["--source", tmp_path / "a", "--target", tmp_path / "b"]


@pytest.fixture
def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Refusals:
    return Refusals(tmp_path, capsys, monkeypatch)


def expected() -> list[str]:
    found = patchword.align(tiny_translator(), SOURCES, TARGETS)
    return [" ".join(f"{s}-{t}" for s, t in links) for links in found]


def test_every_pair_has_a_line_and_an_empty_side_an_empty_one(model: Path, text: list[object]) -> None:
    lines = done("align", model, *text)[0].split("\n")[:-1]
    assert lines == expected()
    assert [len(line.split()) for line in lines] == [2, 1, 0, 0, 3]


def test_words_are_shown_with_their_links(model: Path, text: list[object]) -> None:
    rows = [json.loads(line) for line in done("align", model, *text, "--json")[0].splitlines()]
    assert [row["source"] for row in rows] == [line.split() for line in SOURCES]
    assert [row["target"] for row in rows] == [line.split() for line in TARGETS]
    assert [" ".join(f"{s}-{t}" for s, t in row["links"]) for row in rows] == expected()


def test_a_table_of_pairs_is_read_too(model: Path, tmp_path: Path) -> None:
    rows = zip(SOURCES, TARGETS, strict=True)
    (tmp_path / "pairs.tsv").write_text("".join(f"x\t{s}\t{t}\n" for s, t in rows))
    out, _ = done("align", model, "--data", tmp_path / "pairs.tsv", "--columns", "2,3")
    assert out.split("\n")[:-1] == expected()


def test_an_interrupted_file_goes_on_to_the_same_end(model: Path, text: list[object], tmp_path: Path) -> None:
    output = tmp_path / "links"
    done("align", model, *text, "--output", output)
    whole = output.read_text()
    assert whole.split("\n")[:-1] == expected()
    first, second, _ = whole.split("\n", 2)
    output.write_text(f"{first}\n{second[:1]}")
    done("align", model, *text, "--output", output, "--resume")
    assert output.read_text() == whole


def test_windows_do_not_change_the_links(model: Path, text: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patchword.cli.align.READ_AHEAD", 2)
    assert done("align", model, *text)[0].split("\n")[:-1] == expected()


def test_a_pair_that_is_too_long_is_reported_and_the_others_are_aligned(model: Path, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one\n" + "two " * 3000 + "\nthree\n")
    (tmp_path / "b").write_text("ten\nnine\neight\n")
    out, said = done("align", model, "--source", tmp_path / "a", "--target", tmp_path / "b", code=1)
    assert out == "0-0\n\n0-0\n"
    assert said.startswith("patchword: line 2: ")
    assert "tokens" in said


def test_files_of_unequal_length_are_refused_before_a_line_is_written(
    model: Path, tmp_path: Path, refused: Refusals
) -> None:
    (tmp_path / "a").write_text("one\ntwo\n")
    (tmp_path / "b").write_text("ten\n")
    said = refused("align", model, "--source", tmp_path / "a", "--target", tmp_path / "b")
    assert said == f"{tmp_path / 'b'}: has 1 lines, but {tmp_path / 'a'} has 2; line N must translate line N"


def test_a_line_that_is_no_text_ends_the_work_after_those_before_it(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], refused: Refusals
) -> None:
    (tmp_path / "a").write_bytes(b"one\n\xff\n")
    (tmp_path / "b").write_text("ten\nnine\n")
    said = refused("align", model, "--source", tmp_path / "a", "--target", tmp_path / "b")
    assert said == f"{tmp_path / 'a'}, line 2: not UTF-8 text: byte 0xff"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "what to align? --source FILE --target FILE, or --data FILE of both"),
        (["--source", "a"], "what to align?"),
        (["--source", "a", "--target", "b", "--data", "c"], "what to align?"),
        (["--source", "a", "--target", "b", "--resume"], "--resume goes on with a file; name it with --output"),
        (["--source", "a", "--target", "b", "--output", "a"], "--output a is a file that is read"),
        (["--source", "a", "--target", "none"], "none: no such file"),
        (["--data", "three.tsv"], "three.tsv, line 1: has 3 columns"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    model: Path,
    text: list[object],
    tmp_path: Path,
    refused: Refusals,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    sentence: str,
) -> None:
    (tmp_path / "three.tsv").write_text("1\tone\tten\n")
    monkeypatch.chdir(tmp_path)
    assert refused("align", model, *options).startswith(sentence)
