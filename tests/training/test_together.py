"""Several processes train as one would."""

import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import tomli_w
import torch

from patchword import api
from patchword.training import loop
from patchword.training.together import Together
from tests.training.several import Several, losses, scores, start

WAYS = ("ddp", "fsdp")


def translation(phrases: tuple[Path, Path], **training: Any) -> dict[str, Any]:
    size = {"size": "tiny", "d_model": 16, "num_heads": 2, "encoder_layers": 1, "decoder_layers": 1, "d_ff": 16}
    return {
        "task": "translation",
        "batch_tokens": 150,
        "data": {"train": [str(path) for path in phrases], "hold_out": 40},
        "vocabulary": {"size": 400},
        "model": {**size, "dropout": 0.0},
        "optimizer": {"learning_rate": 3e-3, "clip_norm": 1.0},
        "schedule": {"warmup_steps": 20},
        "training": {"max_steps": 16, "validate_every": 8, "ema_decay": 0.9, "average_last": 2, **training},
    }


def recurrent(phrases: tuple[Path, Path]) -> dict[str, Any]:
    values = translation(phrases)
    values["model"] = {"architecture": "rnn", "embedding_size": 16, "hidden_size": 16, "dropout": 0.0}
    return values


def classification(photos: Path, architecture: str) -> dict[str, Any]:
    sizes = {
        "vit": {"d_model": 16, "num_heads": 2, "num_layers": 2, "d_ff": 16, "patch_size": 8, "dropout": 0.0},
        "cnn": {"depths": [1, 1], "widths": [8, 8]},
    }
    return {
        "task": "classification",
        "batch_size": 9,
        "data": {"train": [str(photos)], "hold_out": 0.2},
        "preprocessing": {"image_size": 16},
        "model": {"architecture": architecture, **sizes[architecture]},
        "optimizer": {"name": "sgd", "learning_rate": 1e-2},
        "training": {"max_steps": 8, "validate_every": 8},
    }


def recipe_file(values: dict[str, Any], folder: Path) -> str:
    path = folder / "recipe.toml"
    path.write_text(tomli_w.dumps(values), encoding="utf-8")
    return str(path)


def alone(values: dict[str, Any], out: Path, monkeypatch: pytest.MonkeyPatch, **more: Any) -> None:
    monkeypatch.setattr(loop, "LOG_EVERY", 1)
    torch.set_num_threads(1)
    recipe = None if "resume" in more else api.read_recipe(values, "test")
    api.train(recipe, out, show=False, **more)


def together(size: int, out: Path, *arguments: str, **environment: str) -> Several:
    return start(
        size, out.with_name(f"{out.name}-{size}-said"), ["train", *arguments, "--out", str(out)], **environment
    )


def done(size: int, out: Path, *arguments: str) -> None:
    several = together(size, out, *arguments)
    assert several.wait() == [0] * size, several.said()


def assert_close(found: list[float], wanted: list[float], within: float = 1e-5) -> None:
    assert len(found) == len(wanted)
    assert max(abs(a - b) for a, b in zip(found, wanted, strict=True)) < within


def both_ways(values: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes train as one does, whichever way they hold the network; runs "one", "ddp", "fsdp" in a folder."""
    recipe = recipe_file(values, folder)
    alone(values, folder / "one", monkeypatch)
    for way in WAYS:
        done(2, folder / way, recipe, "--parallel", way)
        assert_close(losses(folder / way), losses(folder / "one"))


def test_losses_of_a_translator_are_those_of_one_process(
    phrases: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = translation(phrases)
    both_ways(values, tmp_path, monkeypatch)
    for way in WAYS:
        for a, b in zip(scores(tmp_path / way), scores(tmp_path / "one"), strict=True):
            assert a == pytest.approx(b, abs=1e-5)
        states = [torch.load(tmp_path / run / "state" / "latest.pt", weights_only=True) for run in (way, "one")]
        assert shape_of(states[0]) == shape_of(states[1])


def shape_of(value: Any) -> Any:
    """A state without its numbers, but for what a run's place and order are."""
    if isinstance(value, torch.Tensor):
        return (value.dtype, value.shape, value.stride(), type(value))
    if isinstance(value, dict):
        return {name: shape_of(each) for name, each in value.items() if name not in ("python", "seconds")}
    if isinstance(value, list):
        return [shape_of(each) for each in value]
    return type(value)


@pytest.mark.parametrize("architecture", ["vit", "cnn"])
def test_losses_of_a_classifier_are_those_of_one_process(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, architecture: str
) -> None:
    values = classification(photos, architecture)
    both_ways(values, tmp_path, monkeypatch)


def test_more_processes_than_rows_and_an_rnn(
    phrases: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = recurrent(phrases)
    values["batch_tokens"] = 20  # a pair or two
    values["optimizer"]["accumulate"] = 2
    both_ways(values, tmp_path, monkeypatch)


def test_a_run_goes_on_with_other_numbers_of_processes(
    phrases: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = translation(phrases)
    alone(values, tmp_path / "one", monkeypatch)
    recipe = recipe_file(values, tmp_path)
    done(4, tmp_path / "run", recipe, "--max-steps", "5")
    done(2, tmp_path / "run", "--resume", "--parallel", "fsdp", "--max-steps", "11")
    alone(values, tmp_path / "run", monkeypatch, resume=True, settings="training.max_steps=16")
    assert_close(losses(tmp_path / "run"), losses(tmp_path / "one"))


def test_with_dropout_a_run_in_two_sittings_equals_one_in_one_sitting_bit_for_bit(
    phrases: tuple[Path, Path], tmp_path: Path
) -> None:
    values = translation(phrases)
    values["model"]["dropout"] = 0.3
    recipe = recipe_file(values, tmp_path)
    done(2, tmp_path / "whole", recipe)
    done(2, tmp_path / "parts", recipe, "--max-steps", "7")
    done(2, tmp_path / "parts", "--resume", "--max-steps", "16")
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")


def write_rows() -> None:
    """Have each process write the pairs that it loads."""
    from patchword.text.task import TranslationTask

    real = TranslationTask.load

    def load(self: TranslationTask, batch: list[int], device: torch.device) -> Any:
        print("rows", *batch, flush=True)
        return real(self, batch, device)

    TranslationTask.load = load  # type: ignore[method-assign]


def test_every_pair_is_seen_once_an_epoch_and_one_process_draws(phrases: tuple[Path, Path], tmp_path: Path) -> None:
    values = translation(phrases)
    values["training"] = {"max_epochs": 1}
    several = start(
        2, tmp_path / "said", ["train", recipe_file(values, tmp_path), "--out", str(tmp_path / "run")], write_rows
    )
    assert several.wait() == [0, 0], several.said()
    rows = [[int(i) for line in re.findall(r"rows ([\d ]+)", said) for i in line.split()] for said in several.said()]
    assert sorted(rows[0] + rows[1]) == list(range(360))
    assert min(len(own) for own in rows) > 120
    first, other = several.said()
    assert "training" in first
    assert "done: the best model" in first
    assert re.sub(r"rows [\d ]+\n", "", other) == ""


def test_early_stopping_and_a_signal_to_one_end_all_at_one_step(phrases: tuple[Path, Path], tmp_path: Path) -> None:
    values = translation(phrases, validate_every=1, patience=2, max_steps=500)
    values["optimizer"]["learning_rate"] = 1e-9
    values["training"] |= {"ema_decay": 0.5, "average_last": 1}
    several = together(2, tmp_path / "early", recipe_file(values, tmp_path))
    assert several.wait() == [0, 0], several.said()
    assert len(losses(tmp_path / "early")) < 500
    values = translation(phrases, max_steps=100_000, validate_every=100_000)
    several = together(2, tmp_path / "stopped", recipe_file(values, tmp_path))
    wait_for_steps(tmp_path / "stopped", 3, several)
    for _ in range(2):  # torchrun passes on what it gets to those who got it too
        os.kill(several.processes[1].pid, signal.SIGTERM)
    assert several.wait() == [143, 143], several.said()
    step = len(losses(tmp_path / "stopped"))
    assert f"stopped at step {step}; go on with: patchword train --resume" in several.said()[0]
    assert "stopped" not in several.said()[1]
    state = torch.load(tmp_path / "stopped" / "state" / "latest.pt", weights_only=True)
    assert state["progress"]["step"] == step


def wait_for_steps(out: Path, steps: int, several: Several) -> None:
    end = time.monotonic() + 100
    while not (out / "metrics.jsonl").exists() or len(losses(out)) < steps:
        assert all(process.poll() is None for process in several.processes), several.said()
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize(("size", "rank"), [(2, 1), (3, 0)])
def test_a_killed_process_ends_the_run_with_one_sentence_and_its_state_as_it_was(
    phrases: tuple[Path, Path], tmp_path: Path, size: int, rank: int
) -> None:
    values = translation(phrases, max_steps=100_000, validate_every=5, average_last=1)
    several = together(size, tmp_path / "run", recipe_file(values, tmp_path))
    wait_for_steps(tmp_path / "run", 8, several)
    several.processes[rank].kill()
    pid = several.processes[rank].pid
    codes = several.wait()
    assert [code for number, code in enumerate(codes) if number != rank] == [2] * (size - 1)
    said = "".join(text for number, text in enumerate(several.said()) if number != rank)
    lines = [line for line in said.splitlines() if line.startswith("patchword: ")]
    assert len(lines) == 1, said
    gone = rf"process {rank} \(process id {pid} on \S+\) of the {size} that train together is gone \(.+\)"
    assert re.search(gone, lines[0])
    assert "Traceback" not in said
    assert lines[0].endswith(f"; go on with --resume, from what was saved last in {tmp_path / 'run'}")
    state = torch.load(tmp_path / "run" / "state" / "latest.pt", weights_only=True)
    assert state["progress"]["step"] % 5 == 0
    done(2, tmp_path / "run", "--resume", "--max-steps", str(state["progress"]["step"] + 2))


def lose_a_pair() -> None:
    """Have the second process read one pair less."""
    if os.environ["RANK"] == "1":
        from patchword.text import task

        real = task.read_split

        def read_split(recipe: Any) -> Any:
            train, *rest = real(recipe)
            return train[1:], *rest

        task.read_split = read_split  # type: ignore[assignment]


def test_what_is_wrong_is_said_once(phrases: tuple[Path, Path], tmp_path: Path) -> None:
    recipe = recipe_file(translation(phrases), tmp_path)
    several = start(2, tmp_path / "data", ["train", recipe, "--out", str(tmp_path / "run")], lose_a_pair)
    assert several.wait() == [2, 2]
    assert "patchword: process 1 has other data than the first one: 359 pairs for training" in several.said()[0]
    assert several.said()[1] == ""
    assert not (tmp_path / "run").exists()
    several = together(2, tmp_path / "run", recipe, "--set", "model.num_heads=3")
    assert several.wait() == [2, 2]
    assert several.said()[0].count("patchword: ") == 1
    assert "num_heads" in several.said()[0]
    assert several.said()[1] == ""


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("rows", [1, 2, 3, 6, 20])
def test_a_batch_is_divided_without_loss_or_repetition(size: int, rows: int) -> None:
    seen: list[int] = []
    for rank in range(size):
        group = object.__new__(Together)
        group.rank, group.size = rank, size
        own, weight = group.share(torch.arange(rows))
        assert group.rows == rows
        assert len(own) > 0
        seen += own.tolist() * weight
    assert sorted(seen) == list(range(rows))
