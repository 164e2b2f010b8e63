"""Help that is read before anything works: flags as flags, an example a verb, completion, and hints."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from patchword.cli.main import app
from patchword.errors import PatchwordError, RecipeError
from patchword.recipes import OPTIONS
from patchword.wings import WINGS, wing_of

VERBS = (
    "check",
    "train",
    "translate",
    "classify",
    "evaluate",
    "explain",
    "align",
    "serve",
    "import",
    "export",
    "info",
    "models",
    "bench",
    "compare",
    "demo",
)


@pytest.fixture(params=VERBS)
def verb(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def shown(*arguments: str) -> str:
    done = CliRunner().invoke(app, [*arguments, "--help"], env={"COLUMNS": "200"})
    assert done.exit_code == 0
    return done.stdout


def test_flags_have_no_type_and_every_verb_has_an_example_that_it_takes(verb: str) -> None:
    text = shown(verb)
    assert "<bool>" not in text
    assert "<bool>" not in shown()
    assert "Usage: " in text
    examples = re.findall(rf"patchword {verb} .*", text.partition("Examples:")[2])
    assert examples
    command: Any = get_command(app)
    for example in examples:
        words = shlex.split(example.partition("|")[0])[2:]
        known = {name for parameter in command.commands[verb].params for name in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known


def keys() -> Iterator[str]:
    for task in WINGS:
        yield from {**OPTIONS, **wing_of(task).training_options}.values()


@pytest.mark.parametrize("key", sorted(set(keys())))
def test_options_of_train_show_the_key_that_they_stand_for(key: str) -> None:
    assert f"({key})" in " ".join(shown("train").replace("│", " ").split())


def test_the_shell_completes_verbs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name, value in (("_PATCHWORD_COMPLETE", "complete_bash"), ("COMP_WORDS", "patchword tra"), ("COMP_CWORD", "1")):
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        app(prog_name="patchword")
    assert capsys.readouterr().out.split() == ["train", "translate"]


def test_a_file_given_as_a_sentence_is_asked_about(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n")
    with pytest.raises(RecipeError, match=r"a\.txt is a file: did you mean --file .*a\.txt\?"):
        CliRunner().invoke(app, ["translate", "no model", str(tmp_path / "a.txt")], catch_exceptions=False)


def test_a_published_name_without_its_prefix_is_asked_about() -> None:
    with pytest.raises(PatchwordError, match="a published model is named hf:google/vit-base-patch16-224"):
        CliRunner().invoke(app, ["classify", "google/vit-base-patch16-224", "a.jpg"], catch_exceptions=False)
