"""The loop on a small real translation: interruption, resuming, limits, averaging."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from patchword import api
from patchword.errors import OutOfMemoryError, RecipeError, RunFolderError
from patchword.text.task import TranslationTask
from patchword.training.loop import Trainer
from patchword.training.metrics import read_metrics
from tests.forked import Forked


def recipe_values(phrases: tuple[Path, Path], **training: Any) -> dict[str, Any]:
    return {
        "task": "translation",
        "batch_tokens": 400,
        "data": {"train": [str(path) for path in phrases], "hold_out": 40},
        "vocabulary": {"size": 400},
        "model": {"size": "tiny", "d_model": 32, "num_heads": 2, "encoder_layers": 1, "decoder_layers": 1, "d_ff": 32},
        "optimizer": {"learning_rate": 3e-3, "clip_norm": 1.0},
        "schedule": {"warmup_steps": 20},
        "training": {"max_steps": 50, "validate_every": 20, "ema_decay": 0.9, "average_last": 2, **training},
    }


def train(values: dict[str, Any], out: Path, resume: bool = False) -> Any:
    return api.train(api.read_recipe(values, "test"), out, resume=resume, show=False)


def losses(out: Path) -> list[Any]:
    keys = ("step", "epoch", "loss", "validation", "learning_rate")
    return [{key: row[key] for key in keys if key in row} for row in read_metrics(out / "metrics.jsonl")]


def assert_same_weights(a: Path, b: Path) -> None:
    first, second = (load_file(path / "best" / "model.safetensors") for path in (a, b))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_run_folder_has_what_the_design_says(phrases: tuple[Path, Path], tmp_path: Path) -> None:
    outcome = train(recipe_values(phrases), tmp_path / "run")
    assert (outcome.step, outcome.signal) == (50, None)
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names >= {"best", "state", "metrics.jsonl", "curves.png", "recipe.toml"}
    assert (tmp_path / "run" / "curves.png").read_bytes().startswith(b"\x89PNG")
    rows = losses(tmp_path / "run")
    assert [row["step"] for row in rows if "loss" in row] == [25, 50]
    assert [row["step"] for row in rows if "validation" in row] == [20, 40, 50, 50]  # the last is of the mean of two
    assert min(row["validation"]["loss"] for row in rows if "validation" in row) == outcome.best
    validated = [row["validation"]["loss"] for row in rows if "validation" in row]
    assert validated[-1] < validated[0]


@pytest.mark.parametrize("accumulate", [1, 3])
def test_a_run_in_two_sittings_equals_one_in_one_sitting_bit_for_bit(
    phrases: tuple[Path, Path], tmp_path: Path, accumulate: int
) -> None:
    values = recipe_values(phrases)
    values["optimizer"]["accumulate"] = accumulate
    train(values, tmp_path / "whole")
    train({**values, "training": {**values["training"], "max_steps": 33}}, tmp_path / "parts")
    train(values, tmp_path / "parts", resume=True)
    wanted, found = losses(tmp_path / "whole"), losses(tmp_path / "parts")
    # The first sitting ended with a validation of its own, at step 33; everything else is the same.
    assert [row for row in found if row["step"] != 33] == wanted
    state = [torch.load(tmp_path / run / "state" / "latest.pt", weights_only=True) for run in ("whole", "parts")]
    for name, tensor in state[0]["model"].items():
        assert torch.equal(tensor, state[1]["model"][name]), name
    assert torch.equal(state[0]["random"]["torch"], state[1]["random"]["torch"])


PROGRAM = """
import json, sys
from patchword import api
recipe = api.read_recipe(json.loads(sys.stdin.read()), "test")
outcome = api.train(recipe, sys.argv[1], resume=sys.argv[2:] == ["resume"], show=False)
sys.exit(0 if outcome.signal is None else 128 + outcome.signal)
"""


def start(values: dict[str, Any], out: Path, resume: bool = False) -> Forked:
    return Forked(PROGRAM, [out, *(["resume"] if resume else [])], stdin=json.dumps(values))


def wait_for_step(out: Path, step: int, process: Forked) -> None:
    deadline = time.monotonic() + 120
    while not any(row["step"] >= step for row in read_metrics(out / "metrics.jsonl")):
        assert process.poll() is None, "the run ended too early"
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_after_a_kill_the_same_losses_follow(phrases: tuple[Path, Path], tmp_path: Path) -> None:
    values = recipe_values(phrases, max_steps=90, validate_every=20)
    whole = start(values, tmp_path / "whole")
    assert whole.wait(240) == 0
    killed = start(values, tmp_path / "killed")
    wait_for_step(tmp_path / "killed", 40, killed)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait(60) == -signal.SIGKILL
    assert start(values, tmp_path / "killed", resume=True).wait(240) == 0
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")
    assert_same_weights(tmp_path / "killed", tmp_path / "whole")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_polite_signal_saves_the_step_and_ends_the_run(
    phrases: tuple[Path, Path], tmp_path: Path, number: signal.Signals
) -> None:
    values = recipe_values(phrases, max_steps=100_000, validate_every=1_000_000)
    process = start(values, tmp_path / "run")
    wait_for_step(tmp_path / "run", 25, process)
    os.kill(process.pid, number)
    assert process.wait(60) == 128 + number
    state = torch.load(tmp_path / "run" / "state" / "latest.pt", weights_only=True)
    assert state["progress"]["step"] >= 25
    assert not state["progress"]["finished"]


def test_early_stopping_ends_a_run_that_no_longer_improves(phrases: tuple[Path, Path], tmp_path: Path) -> None:
    values = recipe_values(phrases, max_steps=500, validate_every=5, patience=3, average_last=1)
    values["optimizer"]["learning_rate"] = 1e-12
    values["training"].pop("ema_decay")
    assert train(values, tmp_path / "run").step < 500


def test_raising_a_limit_goes_on_with_a_finished_run(phrases: tuple[Path, Path], tmp_path: Path) -> None:
    values = recipe_values(phrases, max_steps=20)
    train(values, tmp_path / "run")
    recipe = api.resumed_recipe(tmp_path / "run", ["training.max_steps=30"])
    assert api.train(recipe, tmp_path / "run", resume=True, show=False).step == 30
    with pytest.raises(RecipeError, match=r"optimizer\.learning_rate cannot change"):
        api.resumed_recipe(tmp_path / "run", ["optimizer.learning_rate=1"])


def test_a_folder_that_holds_a_run_is_not_overwritten(phrases: tuple[Path, Path], tmp_path: Path) -> None:
    values = recipe_values(phrases, max_steps=5)
    train(values, tmp_path / "run")
    with pytest.raises(RunFolderError, match="already holds a run; go on with --resume"):
        train(values, tmp_path / "run")
    with pytest.raises(RunFolderError, match="holds no run"):
        train(values, tmp_path / "nothing", resume=True)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("resume", [False, True])
def test_of_two_runs_in_one_folder_one_wins(phrases: tuple[Path, Path], tmp_path: Path, resume: bool) -> None:
    if resume:
        train(recipe_values(phrases, max_steps=2), tmp_path / "run")
    values = recipe_values(phrases, max_steps=100_000, validate_every=1_000_000)
    first = start(values, tmp_path / "run", resume)
    try:
        wait_for_step(tmp_path / "run", 25, first)
        with pytest.raises(RunFolderError, match=f"is in use by process {first.pid} on "):
            train(values, tmp_path / "run", resume)
        assert first.poll() is None
        first.send_signal(signal.SIGTERM)
        assert first.wait(60) == 128 + signal.SIGTERM
    finally:
        first.kill()
        first.wait()
    assert not (tmp_path / "run" / "lock").exists()


def test_a_batch_that_is_too_large_names_its_key(
    phrases: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(task: Any, batch: Any, device: Any) -> None:
        torch.empty(2**55)

    monkeypatch.setattr(TranslationTask, "load", load)
    with pytest.raises(OutOfMemoryError, match=r"not enough memory for a batch at step 1; lower batch_tokens or"):
        train(recipe_values(phrases), tmp_path / "run")
    monkeypatch.undo()
    assert train(recipe_values(phrases, max_steps=2), tmp_path / "run").step == 2


def test_accumulated_batches_give_the_gradient_of_one_large_batch(phrases: tuple[Path, Path], tmp_path: Path) -> None:
    from patchword.text.recipe import TranslationRecipe

    values = recipe_values(phrases)
    values["model"]["dropout"] = 0.0
    values["optimizer"] = {"name": "adam", "learning_rate": 1e-3}
    recipe = TranslationRecipe.parse(values, "test")
    gradients = []
    for name in ("one", "many"):
        torch.manual_seed(3)
        task = TranslationTask.prepare(recipe, tmp_path / name)
        trainer = Trainer(task, recipe, tmp_path / name)
        batches = task.epoch(0)[:3]
        trainer._update([[i for batch in batches for i in batch]] if name == "one" else batches)
        gradients.append({key: value.grad for key, value in task.model.named_parameters()})
    for key, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][key], gradient, atol=1e-6, rtol=1e-4)
