"""`train --dry-run` of every architecture: what it says is so, and nothing is left behind."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from patchword import api
from patchword.errors import PatchwordError
from patchword.training.freezing import train_mode
from patchword.training.group import Alone
from patchword.training.held import Held
from patchword.training.plan import Plan
from patchword.wings import wing_of
from tests.architectures.kinds import Refusals, Workshop, done, scores, settings_of, train


def dry(values: dict[str, Any], out: Path | None = None, **options: Any) -> Plan:
    return api.dry_run(api.read_recipe(values, "test"), out, show=False, **options)


def test_parts_and_memory_are_those_of_the_network_that_trains(shop: Workshop, trained: Path, tmp_path: Path) -> None:
    values = shop.values(ema_decay=0.9)
    plan = dry(values)
    model = api.load(trained).model
    assert plan.parameters == plan.trained == sum(p.numel() for p in model.parameters())
    assert {part.name.split(".")[0] for part in plan.parts} <= {name for name, _ in model.named_children()} | {
        name for name, _ in model.named_parameters(recurse=False)
    }
    assert sum(bool(part.outputs) for part in plan.parts) >= 3
    rows = next(iter(plan.batch.values()))[0]
    assert {shape[0] for part in plan.parts for shape in part.outputs} == {rows}
    # The arithmetic is held to what an optimizer has after an update, and an average.
    task = wing_of(shop.kind.task).prepare(api.read_recipe(values, "test"), tmp_path, lambda _: None)
    held = Held(task, task.recipe, torch.device("cpu"), Alone())
    train_mode(held.model, [])
    task.loss(held.model, task.load(task.epoch(0)[0], torch.device("cpu"))).total.backward()
    held.optimizer.step()
    state = [v for kept in held.optimizer.state.values() for v in kept.values() if isinstance(v, torch.Tensor)]
    memory = plan.memory
    assert memory.optimizer == sum(v.nbytes for v in state)
    assert memory.gradients == sum(p.grad.nbytes for p in held.model.parameters() if p.grad is not None)
    assert held.average is not None
    assert memory.average == sum(v.nbytes for v in held.average.weights.values())
    assert memory.activations is not None
    assert memory.activations > memory.gradients
    assert memory.whole == memory.weights + memory.optimizer + memory.average + memory.activations


def test_it_says_how_long_and_leaves_nothing_behind(shop: Workshop, tmp_path: Path) -> None:
    arguments = ["train", shop.kind.task, *shop.options, "--model", shop.kind.short, *shop.settings]
    arguments += ["--set", "training.threads=1", "--dry-run"]
    out, said = done(*arguments, "--out", tmp_path / "above" / "run")
    assert list(tmp_path.iterdir()) == []
    assert "4 updates" in out
    assert "training.max_steps ends it" in out
    assert "on cpu with 1 thread" in out
    assert shop.kind.picked in said
    as_json, said = done(*arguments, "--json", "--quiet")
    found = json.loads(as_json)
    assert said == ""
    assert found["ending"]["steps"] == 4
    assert found["parameters"] == sum(part["parameters"] for part in found["parts"])
    low, high = found["range_seconds"]
    assert 0 < low <= found["step_seconds"] <= high
    assert found["ending"]["seconds"] >= 4 * found["step_seconds"]


def test_more_at_once_takes_more_memory_and_accumulating_keeps_gradients(shop: Workshop) -> None:
    values = shop.values()
    small = dry(values).memory
    large = dry({**values, **({"batch_tokens": 1600} if shop.kind.translates else {"batch_size": 32})}).memory
    assert small.activations is not None
    assert large.activations is not None
    assert large.activations > 1.5 * small.activations
    added = dry({**values, "optimizer": {**values["optimizer"], "accumulate": 2}})
    assert added.steps_per_epoch == -(-added.batches_per_epoch // 2)
    assert added.memory.whole is not None
    assert small.whole is not None
    assert added.memory.whole == pytest.approx(small.whole + small.gradients, rel=0.02)


def test_a_run_goes_on_from_where_it_is_and_is_not_touched(shop: Workshop, trained: Path, tmp_path: Path) -> None:
    def files() -> dict[Path, tuple[int, int]]:
        return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in trained.rglob("*")}

    before, rows = files(), scores(trained)
    plan = api.dry_run(out=trained, resume=True, show=False, max_steps=20)
    assert plan.ending.steps == 8  # of a run of 12
    assert (files(), scores(trained)) == (before, rows)


def test_what_is_frozen_needs_no_gradients(shop: Workshop, trained: Path) -> None:
    part = shop.kind.parts[0]
    whole, frozen = dry(shop.tuned(trained, shop.data)), dry(shop.tuned(trained, shop.data, part))
    assert frozen.parameters == whole.parameters == whole.trained
    assert 0 < frozen.trained < whole.trained
    assert frozen.memory.gradients == 4 * frozen.trained
    assert frozen.memory.optimizer < whole.memory.optimizer


def test_mistakes_are_said_as_by_a_training(shop: Workshop, trained: Path, tmp_path: Path, refused: Refusals) -> None:
    arguments = ["train", shop.kind.task, *shop.options, "--model", shop.kind.short, *shop.settings]
    impossible = [*arguments, *settings_of({f"model.{k}": v for k, v in shop.kind.impossible[0].items()})]
    there = [*arguments, "--out", trained]
    missing = ["train", shop.kind.task, "--data", tmp_path / "no.tsv", "--data", tmp_path / "no.de"]
    for command in (there, [*impossible, "--out", tmp_path / "a"], [*missing, "--out", tmp_path / "a"]):
        assert refused(*command, "--dry-run") == refused(*command)


def test_data_that_changed_are_those_of_the_run_itself(shop: Workshop, tmp_path: Path) -> None:
    values, run = shop.values(max_steps=2), tmp_path / "run"
    train(values, run)
    recipe = run / "recipe.toml"
    text = recipe.read_text(encoding="utf-8")
    for path, other in zip(shop.data, shop.other, strict=True):
        text = text.replace(str(path), str(other))
    recipe.write_text(text, encoding="utf-8")
    with pytest.raises(PatchwordError) as told:
        api.train(out=run, resume=True, show=False)
    with pytest.raises(type(told.value)) as dry_told:
        api.dry_run(out=run, resume=True, show=False)
    assert str(dry_told.value) == str(told.value)
