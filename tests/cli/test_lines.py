"""Files stream through `patchword translate` and survive a kill."""

import os
from pathlib import Path

import pytest
import torch

from patchword.cli.lines import RecordFile
from patchword.cli.main import app
from patchword.errors import DataError, RecipeError
from patchword.models.transformer import Transformer, TransformerConfig
from patchword.text.files import count_lines
from patchword.text.translator import Translator
from patchword.text.vocabulary import Vocabulary, VocabularyConfig


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(1)
    words = ["one two three four", "five six seven", "eight nine ten"]
    vocabulary = Vocabulary.train(words, words, VocabularyConfig(size=300, shrink=True))
    size = vocabulary.source_size
    sizes = {"d_model": 16, "num_heads": 2, "encoder_layers": 1, "decoder_layers": 1, "d_ff": 16}
    config = TransformerConfig.parse({"source_vocab_size": size, "target_vocab_size": size, **sizes}, "test")
    path = tmp_path_factory.mktemp("model") / "model"
    Translator(Transformer(config), vocabulary).save(path)
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
    with pytest.raises(RecipeError, match="is the file to translate"):
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
