"""What a dry run refuses beside what a training does, and what its listener hears."""

from pathlib import Path
from typing import Any

import pytest
import torch

import patchword
from patchword import api
from patchword.errors import OutOfMemoryError, RecipeError, RunFolderError
from patchword.training.events import Event, Progress
from patchword.training.finite import DivergedError
from patchword.training.peak import peak_bytes
from patchword.wings import wing_of
from tests.architectures.kinds import done
from tests.training.test_loop import recipe_values


def test_several_processes_are_refused(
    phrases: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = api.read_recipe(recipe_values(phrases), "test")
    with pytest.raises(RecipeError, match="one process, which has the whole network; leave --parallel out"):
        patchword.dry_run("translation", data=phrases, parallel="fsdp", show=False)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(RecipeError, match="a dry run measures one process; start it without torchrun"):
        patchword.dry_run(recipe, show=False)


def test_what_cannot_go_on_and_what_is_in_the_way_are_refused(phrases: tuple[Path, Path], tmp_path: Path) -> None:
    recipe = api.read_recipe(recipe_values(phrases), "test")
    with pytest.raises(RecipeError, match="which run would go on"):
        api.dry_run(resume=True, show=False)
    with pytest.raises(RunFolderError, match="nothing to resume: the folder holds no run"):
        api.dry_run(out=tmp_path, resume=True, show=False)
    (tmp_path / "recipe.toml").touch()
    with pytest.raises(RunFolderError, match="already holds a run"):
        api.dry_run(recipe, tmp_path, show=False)


def test_json_goes_with_a_dry_run_and_a_training_needs_a_folder(phrases: tuple[Path, Path], tmp_path: Path) -> None:
    data = ["train", "translation", "--source", phrases[0], "--target", phrases[1]]
    with pytest.raises(RecipeError, match="--json goes with --dry-run"):
        done(*data, "--out", tmp_path / "run", "--json")
    with pytest.raises(RecipeError, match="--out is missing"):
        done(*data)


def test_a_loss_that_is_no_number_and_a_batch_without_memory_are_found(
    phrases: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    values = recipe_values(phrases)
    values["optimizer"]["learning_rate"] = 1e38
    values["schedule"] = {"name": "constant", "warmup_steps": 0}
    with pytest.raises(DivergedError, match=r"^dry run: step \d+, batch of \d+ pairs, lines "):
        api.dry_run(api.read_recipe(values, "test"), show=False)

    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("patchword.text.task.TranslationTask.loss", full)
    with pytest.raises(OutOfMemoryError, match="not enough memory for a batch at step 1; lower batch_tokens"):
        api.dry_run(api.read_recipe(recipe_values(phrases), "test"), show=False)


def test_a_listener_hears_how_far_it_is(phrases: tuple[Path, Path]) -> None:
    heard: list[Event] = []
    api.dry_run(api.read_recipe(recipe_values(phrases), "test"), listener=heard.append)
    fractions = [event.fraction for event in heard if isinstance(event, Progress) and event.stage == "dry run"]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)


def test_no_batch_of_an_epoch_takes_more_memory_than_the_one_that_is_named(tmp_path: Path) -> None:
    words = " ".join(["one", "two", "three", "four", "five", "six", "seven", "eight"] * 12)
    lines = [f"number {i} of all" for i in range(400)] + [f"{words} {i}" for i in range(60)]
    for name in ("a.en", "a.de"):
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    values = recipe_values((tmp_path / "a.en", tmp_path / "a.de"))
    values |= {"batch_tokens": 1600, "vocabulary": {"size": 300, "shrink": True}}
    recipe = api.read_recipe(values, "test")
    plan = api.dry_run(recipe, show=False)
    task = wing_of(recipe.task).prepare(recipe, tmp_path / "run", lambda _: None)
    model, cpu = task.model.train(), torch.device("cpu")

    def memory(batch: Any) -> int:
        model.zero_grad(set_to_none=True)
        return peak_bytes(lambda: task.loss(model, task.load(batch, cpu)).total.backward())

    measured = [memory(batch) for batch in task.epoch(0)]
    assert max(measured) > 1.2 * min(measured)
    assert plan.memory.activations == pytest.approx(max(measured), rel=0.02)
    assert plan.candidates == (len(measured), len(measured))
