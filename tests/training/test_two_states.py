"""The state before the last one is kept, and a run goes on from it where the last one is lost."""

import os
from pathlib import Path

import pytest

from patchword.errors import RunFolderError
from patchword.training import loop
from patchword.training.state import Progress, load_state, previous_state, save_state
from tests.training.test_loop import assert_same_weights, losses, recipe_values, train


@pytest.mark.parametrize("links", [True, False])
def test_a_damaged_state_names_the_one_before_it_from_which_the_same_run_follows(
    phrases: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:

        def refuse(*names: object) -> None:
            raise PermissionError

        monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(loop, "LOG_EVERY", 10)
    values = recipe_values(phrases, max_steps=45, validate_every=10, average_last=3)
    for name in ("whole", "run"):
        train(values, tmp_path / name)
    state = tmp_path / "run" / "state" / "latest.pt"
    content = state.read_bytes()
    state.write_bytes(content[: len(content) // 2])
    told = r"latest.pt: the saved state is damaged: .*; the state before it is there: move previous.pt to latest.pt"
    for _ in range(2):  # nothing is changed by trying
        with pytest.raises(RunFolderError, match=told):
            train(values, tmp_path / "run", resume=True)
    previous_state(state).replace(state)
    assert load_state(state)[0].step == 40
    train(values, tmp_path / "run", resume=True)
    assert losses(tmp_path / "run") == losses(tmp_path / "whole")
    assert_same_weights(tmp_path / "run", tmp_path / "whole")


def test_the_state_before_has_its_checkpoints_and_nothing_older_stays(
    phrases: tuple[Path, Path], tmp_path: Path
) -> None:
    train(recipe_values(phrases, max_steps=60, validate_every=10, average_last=2), tmp_path / "run")
    folder = tmp_path / "run" / "state"
    former, last = (load_state(path)[0].checkpoints for path in (folder / "previous.pt", folder / "latest.pt"))
    assert {path.name for path in folder.glob("weights-*")} == {*former, *last}


def test_a_state_that_cannot_be_written_leaves_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "latest.pt"
    for step in (1, 2):
        save_state(path, Progress(step=step), {"model": {}, "optimizer": {}})
    with pytest.raises(Exception, match="pickle"):
        save_state(path, Progress(step=3), {"model": {"x": lambda: None}, "optimizer": {}})
    assert [load_state(each)[0].step for each in (previous_state(path), path)] == [1, 2]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["latest.pt", "previous.pt"]


def test_where_the_last_state_is_gone_the_one_before_it_is_named_and_not_written_over(
    phrases: tuple[Path, Path], tmp_path: Path
) -> None:
    values = recipe_values(phrases, max_steps=40, validate_every=10)
    train(values, tmp_path / "run")
    state = tmp_path / "run" / "state" / "latest.pt"
    state.unlink()
    kept = previous_state(state).read_bytes()
    with pytest.raises(RunFolderError, match=r"the last state is gone; move .*previous.pt to latest.pt beside it"):
        train(values, tmp_path / "run", resume=True)
    assert previous_state(state).read_bytes() == kept
