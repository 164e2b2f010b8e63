"""A run that is killed while it ends: after its last scores, before the state that knows of them."""

from pathlib import Path
from typing import Any

import pytest

from patchword.training import loop
from patchword.training.finite import DivergedError
from patchword.training.state import Progress, save_state
from tests.training.test_loop import assert_same_weights, losses, recipe_values, train


@pytest.mark.parametrize("average_last", [1, 2])
def test_its_last_scores_are_in_the_metrics_once(
    phrases: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, average_last: int
) -> None:
    values = recipe_values(phrases, max_steps=23, validate_every=10, average_last=average_last, save_every_minutes=1e-9)
    train(values, tmp_path / "whole")

    def save(path: Path, progress: Progress, kept: dict[str, Any]) -> None:
        if progress.finished:
            raise KeyboardInterrupt
        save_state(path, progress, kept)

    monkeypatch.setattr(loop, "save_state", save)
    with pytest.raises(KeyboardInterrupt):
        train(values, tmp_path / "killed")
    monkeypatch.undo()
    assert len(losses(tmp_path / "killed")) == len(losses(tmp_path / "whole"))
    train(values, tmp_path / "killed", resume=True)
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")
    assert_same_weights(tmp_path / "killed", tmp_path / "whole")
    train(values, tmp_path / "killed", resume=True)  # it has ended: nothing more is done
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")


def test_an_optimizer_from_which_no_run_could_go_on_is_not_kept(phrases: tuple[Path, Path], tmp_path: Path) -> None:
    values = recipe_values(phrases, validate_every=2)
    values["optimizer"] = {"name": "adam", "weight_decay": 1e30}
    with pytest.raises(DivergedError, match=r"step 2: the optimizer's exp_avg_sq is infinite .*optimizer.weight_decay"):
        train(values, tmp_path / "run")
    assert not (tmp_path / "run" / "state" / "latest.pt").exists()
