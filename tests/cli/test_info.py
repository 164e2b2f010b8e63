"""`patchword info`: whatever a folder says of itself is shown, and is JSON."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from patchword.cli.main import app
from patchword.errors import one_line
from tests.checkpoints.test_reading_models import write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "model", "ViT")
    values = json.loads((tmp_path / "model" / "config.json").read_text())
    facts = {"loss": float("nan"), "scores": {"best": float("inf")}, "made\x1b[2J": ["\x07", "a\nb"], "by": "\x1b]0;x"}
    (tmp_path / "model" / "config.json").write_text(json.dumps(values | {"facts": facts}))
    return tmp_path / "model"


def test_numbers_that_json_does_not_have_are_null(folder: Path) -> None:
    done = CliRunner().invoke(app, ["info", str(folder), "--json"])

    def refuse(text: str) -> None:
        raise AssertionError(text)

    found = json.loads(done.stdout, parse_constant=refuse)
    assert (found["facts"]["loss"], found["facts"]["scores"]["best"]) == (None, None)
    assert found["parameters"] > 0


def test_what_would_move_a_terminals_cursor_is_written_out(folder: Path) -> None:
    done = CliRunner().invoke(app, ["info", str(folder)])
    assert done.exit_code == 0, done.output
    assert "\\x1b]0;x" in done.stdout
    assert "made\\x1b[2J: \\x07, a\\nb" in done.stdout
    assert all(character.isprintable() or character == "\n" for character in done.stdout)


def test_so_it_is_in_json_which_says_the_same(folder: Path) -> None:
    path = folder / "config.json"
    values = json.loads(path.read_text())
    facts = {
        "8 bits": "\x9b2J\x7f",
        "turned": "\u202eabc",
        "kept": "é 日\u00a0x",
        "far": "\U000e0001",
    }
    path.write_text(json.dumps(values | {"facts": facts}))
    moved = folder.rename(folder.with_name("model\x1b[2J"))
    done = CliRunner().invoke(app, ["info", str(moved), "--json"])
    assert json.loads(done.stdout)["facts"] == facts
    assert json.loads(done.stdout)["folder"] == str(moved)
    assert all(one_line(line) == line for line in done.stdout.split("\n"))
    assert "é 日\u00a0x" in done.stdout
    done = CliRunner().invoke(app, ["info", str(moved)])
    assert "model\\x1b[2J: classification" in done.stdout
