"""`patchword compare` lists claims and cells, repeats one, and says in a sentence what was wrong."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from patchword.cli.main import app
from patchword.compare.claims.recall import Recall
from patchword.errors import RecipeError


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["compare", *arguments], env={"COLUMNS": "200"}, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_claims_are_listed_with_cells_and_time(tmp_path: Path) -> None:
    text = run("--list", "--out", str(tmp_path))
    assert re.search(r"8 .*Several heads beat one .* 24 .* 0 .* 5 ", text)


def test_the_cells_of_one_claim_are_listed_as_cell_takes_them(tmp_path: Path) -> None:
    lines = run("4", "--list", "--out", str(tmp_path)).splitlines()
    assert "learned,both,seed2" in lines
    assert "learned,both,rate0.002,seed1" in lines
    assert not list(tmp_path.iterdir())


def test_a_claim_is_run_and_then_taken_from_what_was_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = {"validation": 0.5, "test": 0.5}
    monkeypatch.setattr(Recall, "run", lambda self, cell, work: {**figures, "rate_used": work.rate})
    first = run("recall", "--out", str(tmp_path), "--processes", "1")
    assert re.search(r"2a +contradicted +Attention recalls", first)
    monkeypatch.setattr(Recall, "run", lambda self, cell, work: pytest.fail("was kept"))
    assert run("2a", "--out", str(tmp_path), "--processes", "1") == first
    assert {path.name for path in tmp_path.iterdir()} == {"cells", "index.html", "results.json", "table.md"}


def test_one_cell_is_repeated_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recall, "run", lambda self, cell, work: {"validation": work.rate, "seed": cell.seed})
    found = json.loads(run("2a", "--cell", "rnn,8,seed9", "--out", str(tmp_path)))
    assert found == {"claim": "2a", "cell": "rnn,8,seed9", "rate": 0.01, "validation": 0.01, "seed": 9.0}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["headz"], "unknown claim 'headz'; did you mean 'heads'"),
        (["--quick", "--full"], "--quick and --full exclude one another"),
        (["--data", "/nowhere"], "--data /nowhere: is no folder; expected one that has cifar10/ or multi30k/"),
        (["--cells", "4/3"], "--cells '4/3': expected i/n with i from 1 to n, such as 1/3"),
        (["--cell", "1,seed1"], "--cell needs one claim: patchword compare CLAIM --cell CELL"),
        (["8", "--cell", "3,seed1"], "no cell '3,seed1'; did you mean '"),
    ],
)
def test_a_mistake_is_one_sentence(arguments: list[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=re.escape(said)):
        run(*arguments, "--out", str(tmp_path))
