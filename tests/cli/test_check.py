"""`patchword check`, as it is typed."""

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from patchword.cli.main import app
from tests.text.checks.test_looking import sentences, write


def typed(*words: Any) -> Any:
    return CliRunner().invoke(app, ["check", *map(str, words)], env={"COLUMNS": "150"}, catch_exceptions=False)


def test_sound_data_end_with_0(tmp_path: Path) -> None:
    source, target = write(tmp_path, "a", sentences(20))
    done = typed("--source", source, "--target", target)
    assert done.exit_code == 0
    assert "looked at 20 training pairs" in done.stdout
    assert "does harm: nothing; worth a look: nothing" in done.stdout


def test_harm_is_a_row_with_its_place_and_ends_with_1(tmp_path: Path) -> None:
    source, target = write(tmp_path, "a", [*sentences(20), ("[bold]A dog.", "")])
    done = typed("--data", source, "--data", target)
    assert done.exit_code == 1
    assert "a.en:21" in done.stdout
    assert "does harm: 1 empty; worth a look: nothing" in done.stdout


def test_what_is_only_suspicious_ends_with_0(tmp_path: Path) -> None:
    pair = sentences(1)[0]
    source, target = write(tmp_path, "a", [*sentences(20), (pair[0], "Something [else]\x1b[2J.")])
    done = typed("--data", source, "--data", target)
    assert done.exit_code == 0
    assert "Something [else]\\x1b[2J." in done.stdout
    assert "worth a look: 1 other-target" in done.stdout


def test_json_has_everything_by_line(tmp_path: Path) -> None:
    source, target = write(tmp_path, "a", [*sentences(20), *sentences(10), ("A dog.", "")])
    done = typed("--data", source, "--data", target, "--json")
    found = json.loads(done.stdout)
    assert done.exit_code == 1
    assert found["kinds"]["duplicate"]["count"] == 10
    lines = [(f["kind"], f["line"]) for f in found["found"]]
    assert lines == [("empty", 31), *(("duplicate", line) for line in range(21, 31))]


def test_cleaned_data_are_named(tmp_path: Path) -> None:
    source, target = write(tmp_path, "a", [*sentences(20), ("A dog.", "")])
    done = typed("--data", source, "--data", target, "--fix", tmp_path / "out", "--drop", "copied, near-duplicates")
    assert done.exit_code == 1
    assert f"wrote 20 training pairs: {tmp_path / 'out' / 'a.en'} {tmp_path / 'out' / 'a.de'}" in done.stdout
    done = typed("--data", tmp_path / "out" / "a.en", "--data", tmp_path / "out" / "a.de")
    assert done.exit_code == 0
