"""Training of every architecture: what a kill -9 leaves behind, and what averages and the best model hold."""

import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from patchword import api
from patchword.models.tensors import named_buffers
from patchword.training.averaging import LastCheckpoints, using
from patchword.training.events import ignore
from patchword.training.state import load_state
from patchword.wings import wing_of
from tests.architectures.kinds import Workshop, done, scores, train, weights
from tests.forked import killed_training


def killed(values: dict[str, Any], out: Path, step: int) -> None:
    """Train in another process, and end it by kill -9 when it says that it has come to a step."""
    ended = killed_training(values, out, step)
    assert ended.returncode == -signal.SIGKILL, ended.stderr


def state(run: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = torch.load(run / "state" / "latest.pt", weights_only=True)
    return loaded


def flat(values: dict[Any, Any]) -> dict[str, Tensor]:
    """The tensors of nested dictionaries, by path."""
    inner = {str(key): flat(value) for key, value in values.items() if isinstance(value, dict)}
    below = {f"{key}/{name}": tensor for key, found in inner.items() for name, tensor in found.items()}
    return below | {str(key): value for key, value in values.items() if isinstance(value, Tensor)}


def assert_same_bits(mine: dict[str, Tensor], theirs: dict[str, Tensor]) -> None:
    assert mine.keys() == theirs.keys()
    assert [name for name, tensor in mine.items() if not torch.equal(tensor, theirs[name])] == []


def test_after_a_kill_the_run_ends_bit_for_bit_as_if_left_alone(shop: Workshop, tmp_path: Path) -> None:
    limits = {"max_steps": 35, "validate_every": 15, "save_every_minutes": 1e-9}
    values = shop.values(model={shop.kind.dropout: 0.1}, ema_decay=0.9, average_last=2, **limits)
    train(values, tmp_path / "whole")
    killed(values, tmp_path / "killed", 25)
    # A state's minutes begin with the update after it, so here every second one is kept.
    assert state(tmp_path / "killed")["progress"]["step"] == 23
    torch.manual_seed(123)  # what the generators are at does not matter
    done("train", "--resume", "--out", tmp_path / "killed", "--quiet")
    assert scores(tmp_path / "killed") == scores(tmp_path / "whole")
    assert_same_bits(weights(tmp_path / "killed"), weights(tmp_path / "whole"))
    mine, theirs = (flat(state(tmp_path / name)) for name in ("killed", "whole"))
    assert {name.split("/")[0] for name in mine} == {"model", "optimizer", "average", "random"}
    assert_same_bits(mine, theirs)


@pytest.mark.parametrize("average", [{}, {"ema_decay": 0.9}], ids=["plain", "ema"])
def test_the_best_model_scores_what_was_validated(shop: Workshop, tmp_path: Path, average: dict[str, Any]) -> None:
    values = shop.values(**average)
    if not average:
        values["training"].pop("ema_decay")
    outcome = train(values, tmp_path / "run")
    validated = api.describe(tmp_path / "run")["facts"]["scores"]
    task: Any = wing_of(shop.kind.task).prepare(api.read_recipe(values, "test"), tmp_path / "run", ignore)
    model = api.load(tmp_path / "run", reference=True).model
    with torch.inference_mode():
        found = task.validate(model)
    assert {f"validation_{name}": value for name, value in found.items()} == validated
    assert found[task.metric] == outcome.best
    if not shop.kind.translates:
        assert api.evaluate(tmp_path / "run", shop.data).top1 == pytest.approx(found["accuracy"])


def test_the_average_of_the_last_checkpoints_scores_what_was_validated(shop: Workshop, tmp_path: Path) -> None:
    values = shop.values(average_last=2)
    values["training"].pop("ema_decay")
    train(values, tmp_path / "run")
    names = load_state(tmp_path / "run" / "state" / "latest.pt")[0].checkpoints
    assert names == ["weights-00000010.safetensors", "weights-00000012.safetensors"]
    mean = LastCheckpoints(tmp_path / "run" / "state", 2, names).average()
    model = api.load(tmp_path / "run").model
    assert mean.keys() == {name for name, _ in model.named_parameters()} | {name for name, _ in named_buffers(model)}
    task: Any = wing_of(shop.kind.task).prepare(api.read_recipe(values, "test"), tmp_path / "run", ignore)
    with using(model, mean) as averaged, torch.inference_mode():
        assert task.validate(averaged) == scores(tmp_path / "run")[-1]["validation"]


def test_averages_take_a_networks_statistics_with_them(shop: Workshop, trained: Path) -> None:
    saved = state(trained)
    statistics = dict(named_buffers(api.load(trained).model))
    assert statistics.keys() == {name for name in saved["model"] if name.endswith(("_mean", "_var", "_tracked"))}
    assert bool(statistics) == (shop.kind.name == "residual_network")
    for name, kept in statistics.items():
        if kept.is_floating_point():
            assert not torch.equal(saved["average"][name], saved["model"][name]), name
        else:
            assert torch.equal(saved["average"][name], saved["model"][name]), name
