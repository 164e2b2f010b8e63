"""Fine-tuning and linear probe through the whole loop: what moves, what stays, and resuming without the init model."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from patchword import api
from patchword.errors import RunFolderError
from patchword.images.recipe import ClassificationRecipe
from patchword.images.task import ClassificationTask
from patchword.training.loop import Trainer
from patchword.training.metrics import read_metrics

TRAINING = {"max_steps": 12, "validate_every": 4, "ema_decay": 0.9, "average_last": 2}


def recipe(photos: Path, **changes: Any) -> ClassificationRecipe:
    values: dict[str, Any] = {
        "task": "classification",
        "data": {"train": [str(photos)], "hold_out": 0.2},
        "augmentation": {"flip": True},
        "batch_size": 8,
        "optimizer": {"learning_rate": 1e-2, "clip_norm": 1.0, "weight_decay": 0.1},
        "schedule": {"name": "constant", "warmup_steps": 2},
        "training": TRAINING,
    }
    return ClassificationRecipe.parse({**values, **changes}, "test")


def start_from(init: Path, photos: Path, **changes: Any) -> ClassificationRecipe:
    return recipe(photos, init=str(init), **changes)


@pytest.fixture
def init(photos: Path, tmp_path: Path) -> Path:
    """A classifier of two of the three colours."""
    two = tmp_path / "two"
    for name in ("blue", "red"):
        shutil.copytree(photos / name, two / name)
    size = {"name": "Ti/4", "d_model": 16, "num_heads": 2, "num_layers": 2, "d_ff": 32}
    begin = recipe(two, model=size, preprocessing={"image_size": [8, 8]}, training={"max_steps": 10})
    api.train(begin, tmp_path / "pretrained", show=False)
    return tmp_path / "pretrained"


def weights(run: Path) -> dict[str, Tensor]:
    return load_file(run / "best" / "model.safetensors")


def state(run: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = torch.load(run / "state" / "latest.pt", weights_only=True)
    return loaded


def losses(run: Path) -> list[Any]:
    rows = read_metrics(run / "metrics.jsonl")
    return [{key: row[key] for key in row if "second" not in key} for row in rows]


def test_a_linear_probe_leaves_the_backbone_bit_for_bit(init: Path, photos: Path, tmp_path: Path) -> None:
    api.train(start_from(init, photos, freeze="backbone", model={"drop_path": 0.5}), tmp_path / "run", show=False)
    before, after, saved = weights(init), weights(tmp_path / "run"), state(tmp_path / "run")
    assert {name for name in before if not torch.equal(before[name], after[name])} == {
        "head.linear.weight",
        "head.linear.bias",
    }
    assert all(torch.equal(saved["model"][name], before[name]) for name in before if not name.startswith("head."))
    assert len(saved["optimizer"]["state"]) == 2
    assert saved["average"].keys() == {"head.linear.weight", "head.linear.bias"}
    assert saved["model"]["head.linear.weight"].any()


def test_a_frozen_backbone_has_neither_graph_nor_dropout(init: Path, photos: Path, tmp_path: Path) -> None:
    dropouts = {"dropout": 0.5, "attention_dropout": 0.5, "activation_dropout": 0.5, "drop_path": 0.9}
    chosen = start_from(init, photos, freeze="backbone", model=dropouts)
    task = ClassificationTask.prepare(chosen, tmp_path / "run")
    trainer = Trainer(task, chosen, tmp_path / "run")
    seen: list[Tensor] = []
    assert isinstance(task.model.head, torch.nn.Module)
    task.model.head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    trainer.run()
    assert not any(features.requires_grad for features in seen)
    assert task.model.head.training
    batch = torch.randn(4, 3, 8, 8)
    assert torch.equal(task.model.features(batch), task.model.eval().features(batch))


def test_fine_tuning_moves_every_part_the_later_the_more(init: Path, photos: Path, tmp_path: Path) -> None:
    optimizer = {"name": "adam", "learning_rate": 1e-3, "layer_decay": 0.1}
    training = {"max_steps": 6, "validate_every": 100}
    api.train(start_from(init, photos, optimizer=optimizer, training=training), tmp_path / "run", show=False)
    before, after = weights(init), state(tmp_path / "run")["model"]

    def moved(prefix: str) -> float:
        return max(float((after[n] - before[n]).abs().max()) for n in before if n.startswith(prefix))

    steps = [moved(part) for part in ("patch_embedding", "encoder.layers.0", "encoder.layers.1", "encoder.norm")]
    assert 0 < steps[0] < steps[1] < steps[2] < steps[3]
    assert steps[2] < 0.3 * steps[3]


def test_the_best_model_is_never_worse_than_the_init_model(init: Path, photos: Path, tmp_path: Path) -> None:
    two = photos.parent / "two"
    before = api.evaluate(init, [two]).top1
    optimizer = {"learning_rate": 1.0}
    data = {"train": [str(two)], "validation": [str(two)]}
    api.train(start_from(init, photos, data=data, optimizer=optimizer), tmp_path / "run", show=False)
    first = next(row for row in losses(tmp_path / "run") if "validation" in row)
    assert first["step"] == 0
    assert first["validation"]["accuracy"] == pytest.approx(before)
    assert api.evaluate(tmp_path / "run", [two]).top1 >= before


@pytest.mark.parametrize("freeze", [None, "backbone"])
def test_a_run_goes_on_bit_for_bit_where_its_init_model_has_moved(
    init: Path, photos: Path, tmp_path: Path, freeze: str | None
) -> None:
    changes: dict[str, Any] = {"freeze": freeze, "model": {"drop_path": 0.2}}
    changes |= {"optimizer": {"learning_rate": 1e-3, "layer_decay": 0.7, "clip_norm": 1.0}}
    changes |= {"preprocessing": {"image_size": [8, 12]}}
    # A sitting that ends averages its last checkpoints, which one that goes on does not.
    training = {**TRAINING, "average_last": 1}
    api.train(start_from(init, photos, **changes, training=training), tmp_path / "whole", show=False)
    part = start_from(init, photos, **changes, training={**training, "max_steps": 8})
    api.train(part, tmp_path / "parts", show=False)
    init.rename(tmp_path / "moved")
    resumed = api.resumed_recipe(tmp_path / "parts", ["training.max_steps=12"])
    assert api.train(resumed, tmp_path / "parts", resume=True, show=False).step == 12
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")
    wanted, found = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    assert all(torch.equal(wanted[name], found[name]) for name in wanted)


class KilledError(Exception):
    pass


def train_until(method: str, chosen: ClassificationRecipe, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that dies when the trainer comes to one of its methods."""

    def kill(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, method, kill)
        with pytest.raises(KilledError):
            api.train(chosen, run, show=False)


def test_the_run_folder_has_the_weights_once_before_the_first_step(
    init: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    train_until("_update", start_from(init, photos), run, monkeypatch)
    assert sorted(p.name for p in (run / "state").iterdir()) == ["config.json", "latest.pt"]
    assert {p.name for p in run.iterdir()} == {"best", "curves.png", "metrics.jsonl", "recipe.toml", "state"}
    init.rename(tmp_path / "moved")
    assert api.train(api.resumed_recipe(run), run, resume=True, show=False).step == 12
    api.train(start_from(tmp_path / "moved", photos), tmp_path / "whole", show=False)
    assert losses(run) == losses(tmp_path / "whole")


def test_before_its_first_state_a_run_begins_again_from_the_init_model(
    init: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    train_until("_keep_init", start_from(init, photos), run, monkeypatch)
    assert not (run / "state" / "latest.pt").exists()
    with pytest.raises(RunFolderError, match="already holds a run"):
        api.train(start_from(init, photos), run, show=False)
    assert api.train(api.resumed_recipe(run), run, resume=True, show=False).step == 12
    api.train(start_from(init, photos), tmp_path / "whole", show=False)
    assert losses(run) == losses(tmp_path / "whole")


def test_the_model_says_what_it_was_fine_tuned_from(init: Path, photos: Path, tmp_path: Path) -> None:
    api.train(start_from(init, photos), tmp_path / "run", show=False)
    assert api.load(tmp_path / "run").facts["init"] == str(init)
    assert f"- init: {init}" in (tmp_path / "run" / "best" / "README.md").read_text()
