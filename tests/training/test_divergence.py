"""A run whose numbers are none ends at once, and keeps what was good."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from patchword.training.finite import DivergedError
from patchword.training.loop import Trainer
from tests.training.test_loop import files, recipe_values, train


@pytest.mark.parametrize("optimizer", [{"clip_norm": 1.0}, {}, {"name": "sgd"}], ids=["clipped", "adamw", "sgd"])
def test_a_loss_that_is_no_number_stops_the_run_with_advice(
    phrases: tuple[Path, Path], tmp_path: Path, optimizer: dict[str, Any]
) -> None:
    values = recipe_values(phrases)
    values["optimizer"] = {"learning_rate": 1e30, **optimizer}
    with pytest.raises(DivergedError) as caught:
        train(values, tmp_path / "run")
    said = str(caught.value)
    assert re.search(r"run: step \d+, epoch 1, batch of \d+ pairs, lines \d+, .*: the (loss|gradient's norm) is ", said)
    assert "lower optimizer.learning_rate" in said
    assert said.endswith("nothing had been saved")
    assert not (tmp_path / "run").exists()
    assert train(recipe_values(phrases, max_steps=2), tmp_path / "run").step == 2


def test_numbers_that_become_none_after_a_validation_leave_what_was_kept(
    phrases: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: dict[str, bytes] = {}
    real = Trainer._update

    def update(trainer: Trainer, batches: list[Any]) -> None:
        if trainer.progress.step == 25:
            kept.update(files(tmp_path / "run"))
            with torch.no_grad():
                next(trainer.held.model.parameters()).fill_(float("inf"))
        real(trainer, batches)

    monkeypatch.setattr(Trainer, "_update", update)
    with pytest.raises(DivergedError, match=r"step 26, .*; best/ and state/ are as they were saved last$"):
        train(recipe_values(phrases), tmp_path / "run")
    now = files(tmp_path / "run")
    assert {name for name in now if now[name] != kept.get(name)} <= {"metrics.jsonl"}
    monkeypatch.undo()
    assert train(recipe_values(phrases), tmp_path / "run", resume=True).step == 50


@pytest.mark.parametrize("what", ["weights", "scores"])
def test_a_validation_that_is_no_number_is_never_the_best(
    phrases: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    real = Trainer._score

    def score(trainer: Trainer, *arguments: Any) -> None:
        if what == "scores":
            monkeypatch.setattr(trainer.task, "validate", lambda model: {"loss": float("nan")})
        else:
            assert trainer.held.average is not None
            trainer.held.average.weights[next(iter(trainer.held.average.weights))][0] = float("nan")
            monkeypatch.setattr(trainer.task, "validate", lambda model: {"loss": 1.0})
        real(trainer, *arguments)

    monkeypatch.setattr(Trainer, "_score", score)
    with pytest.raises(DivergedError, match=r"step 20: (the validation loss is nan|\S+ holds values that are)"):
        train(recipe_values(phrases), tmp_path / "run")
    assert not (tmp_path / "run" / "best").exists()
    assert not (tmp_path / "run" / "state" / "latest.pt").exists()
