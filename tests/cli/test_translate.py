"""`patchword translate`: lines of several sentences, what is said about them, and translations that begin as asked."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from patchword.cli.main import app
from patchword.text.search import SearchOptions
from patchword.text.translator import Translator
from tests.tiny import tiny_translator

FAST = SearchOptions(max_extra=4)
LINES = ["one two", "", "  three. ", "One. Two two!  Three", "---", " \t", "four, " * 200 + "five", "six\x0bseven"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model"
    translator = tiny_translator()
    translator.options = FAST
    translator.save(path)
    return path


@pytest.fixture(scope="module")
def translator(folder: Path) -> Translator:
    return Translator.load(folder)


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "in.txt"
    path.write_text("\n".join(LINES) + "\n")
    return path


def run(folder: Path, *arguments: object) -> Any:
    return CliRunner().invoke(app, ["translate", str(folder), *map(str, arguments)])


def line(text: str) -> str:
    return " ".join(text.splitlines())


def test_a_line_is_translated_sentence_by_sentence_and_stays_a_line(
    folder: Path, text: Path, translator: Translator
) -> None:
    done = run(folder, "--file", text)
    assert done.exit_code == 0
    found = done.stdout.split("\n")
    assert len(found) == len(LINES) + 1
    for index in (0, 2):  # one sentence: as it is without cutting
        assert found[index] == line(translator.translate(LINES[index]).text)
    assert found[1] == found[5] == ""
    one, two, three = (line(translator.translate(part).text).strip() for part in ("One.", "Two two!", "Three"))
    assert found[3] == f"{one} {two}  {three}"
    assert found[4] == "---"
    assert found[7] == " ".join(line(translator.translate(part).text).strip() for part in ("six", "seven"))


def test_what_was_cut_is_said_with_its_line(folder: Path, text: Path, translator: Translator) -> None:
    notes = translator.translate_text(LINES[6]).notes
    assert len(notes) == 1
    assert run(folder, "--file", text).stderr == f"patchword: line 7: {notes[0]}\n"
    whole = run(folder, "--file", text, "--no-split")
    assert "1 texts longer than a sentence were translated as one (line 7); parts may be missing" in whole.stderr
    assert whole.stdout.split("\n") == [*(line(one.text) for one in translator.translate(LINES)), ""]
    shown = run(folder, "\x1b]0;x\x07" + "four, " * 200, "--method", "greedy")
    assert r"\x1b]0;x\x07four" in shown.stderr


def test_json_has_sentences_and_notes_where_there_are(folder: Path, text: Path, translator: Translator) -> None:
    rows = [json.loads(row) for row in run(folder, "--file", text, "--json").stdout.splitlines()]
    assert [row["source"] for row in rows] == LINES
    plain = {"source", "text", "score", "alternatives"}
    assert [set(row) - plain for row in rows] == [
        set(),
        set(),
        set(),
        {"sentences"},
        set(),
        set(),
        {"sentences", "notes"},
        {"sentences"},
    ]
    assert rows[0]["score"] == translator.translate(LINES[0]).score
    assert [part["source"] for part in rows[3]["sentences"]] == ["One.", "Two two!", "Three"]
    assert rows[3]["score"] == pytest.approx(sum(part["score"] for part in rows[3]["sentences"]) / 3)
    assert rows[6]["notes"] == list(translator.translate_text(LINES[6]).notes)


def test_n_best_of_a_long_line_are_whole_lines(folder: Path, text: Path, translator: Translator) -> None:
    rows = [row.split("\t", 2) for row in run(folder, "--file", text, "--n-best", "3").stdout.split("\n")[:-1]]
    assert [row[0] for row in rows] == [str(number) for number in range(1, 9) for _ in range(3)]
    found = translator.translate_text(LINES[3], n_best=3)
    assert [row[2] for row in rows[9:12]] == [line(a.text) for a in found.alternatives]
    scores = [float(row[1]) for row in rows[9:12]]
    assert scores == sorted(scores, reverse=True)
    assert [row[1:] for row in rows[12:15]] == [["0.0000", "---"], ["-inf", ""], ["-inf", ""]]
    assert {row[1] for row in rows[3:6]} == {"0.0000"}


@pytest.mark.parametrize("extra", [[], ["--json"], ["--n-best", "2"], ["--prefix", "eight"]])
@pytest.mark.parametrize("kept", [0.2, 0.95])
def test_a_killed_run_goes_on_to_the_same_end(
    folder: Path, text: Path, tmp_path: Path, extra: list[str], kept: float
) -> None:
    run(folder, "--file", text, "--output", tmp_path / "whole", *extra)
    data = (tmp_path / "whole").read_bytes()
    (tmp_path / "cut").write_bytes(data[: int(kept * len(data))])
    run(folder, "--file", text, "--output", tmp_path / "cut", "--resume", *extra)
    assert (tmp_path / "cut").read_bytes() == data


def test_translations_begin_with_a_prefix_and_empty_lines_stay_empty(folder: Path, text: Path) -> None:
    for more in ([], ["--no-split"], ["--method", "sample"]):
        done = run(folder, "--file", text, "--prefix", "eight ni", *more)
        assert done.exit_code == 0
        found = done.stdout.split("\n")
        assert all(found[index].startswith("eight ni") for index in (0, 2, 3, 6, 7))
        assert found[1] == found[5] == ""
    refused = run(folder, "one", "--prefix", "nine " * 99)
    assert (refused.exit_code, refused.stdout) == (1, "\n")
    assert "line 1: the prefix has " in refused.stderr
