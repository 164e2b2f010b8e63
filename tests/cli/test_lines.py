"""Files stream through `patchword translate` and survive a kill."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from patchword.cli.lines import RecordFile, utf8_argument
from patchword.cli.main import app
from patchword.errors import DataError, RecipeError
from patchword.text.files import count_lines
from patchword.text.translator import Translator
from tests.tiny import tiny_translator


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model"
    tiny_translator().save(path)
    return path


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "in.txt"
    path.write_text("".join(f"{word} {i % 7}\n" for i, word in enumerate(["one", "two three", "", "four"] * 8)))
    return path


def translate(folder: Path, *arguments: object) -> None:
    fast = ["--method", "greedy", "--max-extra", "4"]
    app(["translate", str(folder), *map(str, arguments), *fast], standalone_mode=False)


@pytest.mark.parametrize("extra", [[], ["--json"], ["--n-best", "3"]], ids=["text", "json", "n-best"])
@pytest.mark.parametrize("kept", [0.0, 0.3, 0.7, 0.99])
def test_a_killed_run_goes_on_after_its_last_whole_line(
    folder: Path, text: Path, tmp_path: Path, extra: list[str], kept: float
) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    app(["translate", str(folder), "--file", str(text), "--output", str(whole), *extra], standalone_mode=False)
    data = whole.read_bytes()
    cut.write_bytes(data[: int(kept * len(data))])
    arguments = ["--file", str(text), "--output", str(cut), "--resume", *extra]
    app(["translate", str(folder), *arguments], standalone_mode=False)
    assert cut.read_bytes() == data


def test_a_line_in_is_a_line_out_in_order(folder: Path, text: Path, tmp_path: Path) -> None:
    translate(folder, "--file", text, "--output", tmp_path / "out")
    translate(folder, "--file", text, "--output", tmp_path / "reference", "--reference")
    lines = (tmp_path / "out").read_text().split("\n")
    assert len(lines) == count_lines(text) + 1
    assert lines == (tmp_path / "reference").read_text().split("\n")


def test_what_is_there_is_not_translated_again(folder: Path, text: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("kept\n" * 5)
    translate(folder, "--file", text, "--output", tmp_path / "out", "--resume")
    lines = (tmp_path / "out").read_text().splitlines()
    assert len(lines) == 32
    assert lines[:5] == ["kept"] * 5
    translate(folder, "--file", text, "--output", tmp_path / "out")
    assert "kept" not in (tmp_path / "out").read_text()


def test_int8_translates(folder: Path, tmp_path: Path) -> None:
    translate(folder, "one two", "--output", tmp_path / "out", "--precision", "int8")
    assert (tmp_path / "out").read_text().count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["one", "--resume"], "name it with --output"),
        (["one", "--precision", "int4"], "unknown precision 'int4'; did you mean 'int8'"),
        (["one", "--precision", "int8", "--reference"], "the reference path has no precision 'int8'"),
        (["--file", "nowhere.txt", "--output", "out"], "nowhere.txt: no such file"),
    ],
)
def test_mistakes_get_a_sentence(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Exception, match=message):
        translate(folder, *arguments)


def test_a_file_of_other_records_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("Ein Mann\n")
    with pytest.raises(DataError, match="is no file of numbered translations"):
        RecordFile(tmp_path / "out", resume=True, numbered=True)


@pytest.mark.parametrize(("content", "lines"), [("", 0), ("a", 1), ("a\n", 1), ("a\nb", 2), ("\n\n", 2)])
def test_lines_are_counted_with_and_without_a_last_line_end(tmp_path: Path, content: str, lines: int) -> None:
    (tmp_path / "in").write_text(content)
    assert count_lines(tmp_path / "in") == lines


def test_the_file_to_translate_is_not_overwritten(folder: Path, text: Path) -> None:
    before = text.read_text()
    with pytest.raises(RecipeError, match="is a file that is read"):
        translate(folder, "--file", text, "--output", text.parent / "." / text.name)
    assert text.read_text() == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_in_a_files_place_is_refused_at_once(folder: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="pipe: is a device or a pipe; expected a text file"):
        translate(folder, "--file", tmp_path / "pipe", "--output", tmp_path / "out.txt")


def test_numbered_translations_that_skip_a_line_cannot_be_resumed(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_text("1\t-0.5\ta\n3\t-0.5\tb\n")
    with pytest.raises(DataError, match="line number 3 follows 1"):
        RecordFile(path, resume=True, numbered=True)


def test_n_best_has_so_many_records_for_every_line(folder: Path, text: Path, tmp_path: Path) -> None:
    arguments = ["--file", str(text), "--n-best", "3", "--max-extra", "0", "--output", str(tmp_path / "out")]
    app(["translate", str(folder), *arguments], standalone_mode=False)
    numbers = [line.split("\t")[0] for line in (tmp_path / "out").read_text().splitlines()]
    assert numbers == [str(number) for number in range(1, 33) for _ in range(3)]


@pytest.mark.parametrize("form", ["mark", "gzip", "utf-16", "windows"])
def test_every_form_of_a_file_has_the_same_translations(folder: Path, text: Path, tmp_path: Path, form: str) -> None:
    plain = text.read_text()
    forms = {
        "mark": b"\xef\xbb\xbf" + plain.encode(),
        "gzip": gzip.compress(plain.encode(), mtime=0),
        "utf-16": plain.encode("utf-16"),
        "windows": plain.replace("\n", "\r\n").encode(),
    }
    (tmp_path / "other").write_bytes(forms[form])
    for name in ("in.txt", "other"):
        translate(folder, "--file", tmp_path / name, "--output", tmp_path / f"{name}.out")
    assert (tmp_path / "other.out").read_bytes() == (tmp_path / "in.txt.out").read_bytes()


def test_a_line_that_is_far_too_long_is_told_and_the_others_are_translated(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("one two\n" + "one " * 40_000 + "\n" + "four " * 400 + "\nfour\n")
    arguments = ["--file", str(tmp_path / "in"), "--output", str(tmp_path / "out"), "--method", "greedy", "--no-split"]
    done = CliRunner().invoke(app, ["translate", str(folder), *arguments])
    assert done.exit_code == 1
    assert "line 2: has " in done.stderr
    assert "at most 2,048 are translated at once: cut it into sentences" in done.stderr
    assert "1 texts longer than a sentence were translated as one (line 3)" in done.stderr
    lines = (tmp_path / "out").read_text().split("\n")
    assert len(lines) == 5
    assert lines[1] == ""


def test_arguments_are_utf8_whatever_the_locale_says(folder: Path, tmp_path: Path) -> None:
    assert utf8_argument("caf\u00e9", 1) == "caf\u00e9"
    with pytest.raises(DataError, match="text 2 of the command line: not UTF-8 text: byte 0xe9"):
        utf8_argument(os.fsdecode(b"caf\xe9"), 2)
    program = [sys.executable, "-m", "patchword.cli.main", "translate", str(folder), "--json", "--method", "greedy"]
    text, said = "\u00e9t\u00e9 \u72ac", []
    for name, argument, stdin in (("cp1252", [], f"{text}\n".encode()), ("ascii", [text], None)):
        environment = {**os.environ, "PYTHONIOENCODING": name}
        done = subprocess.run([*program, *argument], input=stdin, capture_output=True, env=environment)
        assert done.returncode == 0, done.stderr
        said.append(done.stdout)
    assert said[0] == said[1]
    assert json.loads(said[0])["source"] == text
    done = subprocess.run([*program, b"caf\xe9"], capture_output=True)
    assert (done.returncode, done.stderr.strip().count(b"\n")) == (2, 0)


@pytest.mark.parametrize("ending", ["<&-", "one >&-", "one 2>&-"])
def test_a_stream_that_is_closed_is_no_traceback(folder: Path, ending: str) -> None:
    program = f'"{sys.executable}" -m patchword.cli.main translate "{folder}" --method greedy'
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(f"{program} {ending}", shell=True, capture_output=True, env=environment)
    assert (done.returncode, done.stderr) == (0, b"")


def test_an_evaluation_says_which_sides_it_took_and_which_sources_were_long(folder: Path, tmp_path: Path) -> None:
    rows = [("one", "eins"), ("one two " * 150, "x"), ("one two " * 3000, "x")]
    lines = [json.dumps({"de": target, "en": source}, ensure_ascii=False) for source, target in rows]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    model = Translator.load(folder)
    model.languages = ("en", "?")
    model.save(tmp_path / "model")
    for path, sides in ((tmp_path / "model", "source 'en', target 'de'"), (folder, "source 'de', target 'en'")):
        arguments = ["evaluate", str(path), "--data", str(tmp_path / "a.jsonl"), "--method", "greedy"]
        done = CliRunner().invoke(app, arguments)
        assert sides in done.stderr
        if path != folder:
            assert done.exit_code == 1
            assert (
                "1 sources longer than a sentence were translated as one (line 2); parts may be missing" in done.stderr
            )
            assert "a.jsonl, line 3: has " in done.stderr


@pytest.mark.parametrize("option", ["--source-language", "--target-language", "--columns", "--set"])
def test_options_that_are_no_text_are_named(tmp_path: Path, option: str) -> None:
    value = os.fsdecode(b"data.target_language=\xe9" if option == "--set" else b"a,\xe9")
    (tmp_path / "a.tsv").write_text("a\tb\n" * 30)
    with pytest.raises(RecipeError, match="has bytes that are not UTF-8"):
        app(
            ["train", "translation", "--data", str(tmp_path / "a.tsv"), "--out", str(tmp_path / "run"), option, value],
            standalone_mode=False,
        )
    assert not (tmp_path / "run").exists()
