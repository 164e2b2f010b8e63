from pathlib import Path

import pytest
import torch
from torch import nn

from patchword.errors import RunFolderError
from patchword.training.averaging import ExponentialAverage, LastCheckpoints, using, weights_of


def test_the_exponential_average_follows_its_formula() -> None:
    model = nn.Linear(2, 2)
    average = ExponentialAverage(model, 0.9)
    wanted = model.weight.detach().clone()
    for step in range(1, 200):
        with torch.no_grad():
            model.weight.add_(torch.randn_like(model.weight))
        average.update(model, step)
        decay = min(0.9, (1 + step) / (10 + step))
        wanted = decay * wanted + (1 - decay) * model.weight.detach()
    torch.testing.assert_close(average.weights["weight"], wanted)


def test_only_the_last_checkpoints_are_kept_and_averaged(tmp_path: Path) -> None:
    checkpoints = LastCheckpoints(tmp_path, 2)
    for step, value in ((1, 1.0), (2, 2.0), (3, 6.0)):
        checkpoints.add(step, {"w": torch.full((2,), value)})
    assert torch.equal(checkpoints.average()["w"], torch.full((2,), 4.0))
    assert len(list(tmp_path.glob("weights-*"))) == 3
    checkpoints.forget_others()
    assert sorted(path.name for path in tmp_path.iterdir()) == checkpoints.names


def test_other_weights_are_used_inside_the_block_only() -> None:
    model = nn.Linear(2, 2).train()
    own = {name: weight.clone() for name, weight in weights_of(model).items()}
    with using(model, {name: torch.zeros_like(weight) for name, weight in own.items()}):
        assert not model.training
        assert all((p == 0).all() for p in model.parameters())
    assert model.training
    assert all(torch.equal(p, own[name]) for name, p in model.named_parameters())


def test_what_does_not_train_is_neither_averaged_nor_touched() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)).train()
    model[0].requires_grad_(False)
    model[0].eval()
    average = ExponentialAverage(model, 0.9)
    assert average.weights.keys() == {"1.weight", "1.bias"}
    frozen = model[0].weight.detach().clone()
    with using(model, {name: torch.zeros_like(weight) for name, weight in average.weights.items()}):
        assert torch.equal(model[0].weight, frozen)
        assert (model[1].weight == 0).all()
    assert (model[0].training, model[1].training) == (False, True)


class Counted(nn.Module):
    """A layer with a batch norm's statistics, torch's own counter among them."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(x)


def test_statistics_are_averaged_with_the_weights_and_counts_are_not() -> None:
    model = Counted()
    average = ExponentialAverage(model, 0.5)
    with torch.no_grad():
        model.norm.running_mean.fill_(8.0)
        model.norm.num_batches_tracked.fill_(7)
    average.update(model, 100)
    assert torch.equal(average.weights["norm.running_mean"], torch.full((3,), 4.0))
    assert average.weights["norm.num_batches_tracked"] == 7


def test_a_model_that_is_validated_with_averages_gets_its_own_statistics_back() -> None:
    model = Counted().train()
    model(torch.randn(6, 3))
    own = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    average = {name: tensor * 0 for name, tensor in weights_of(model).items()}
    with using(model, average):
        assert not model.norm.running_mean.any()
    assert all(torch.equal(tensor, own[name]) for name, tensor in model.state_dict().items())


def test_the_mean_of_checkpoints_has_mean_statistics_and_the_last_count(tmp_path: Path) -> None:
    checkpoints = LastCheckpoints(tmp_path, keep=2)
    for step in (1, 3):
        checkpoints.add(step, {"running_mean": torch.full((2,), float(step)), "count": torch.tensor(step)})
    found = checkpoints.average()
    assert torch.equal(found["running_mean"], torch.full((2,), 2.0))
    assert found["count"] == 3


def test_a_checkpoint_that_is_damaged_missing_or_of_another_model_is_named(tmp_path: Path) -> None:
    checkpoints = LastCheckpoints(tmp_path, keep=2)
    checkpoints.add(1, {"w": torch.zeros(2)})
    checkpoints.add(2, {"w": torch.zeros(3)})
    with pytest.raises(RunFolderError, match=r"weights-00000002\.safetensors: has not the weights that the checkpoint"):
        checkpoints.average()
    (tmp_path / "weights-00000002.safetensors").write_bytes(b"x")
    with pytest.raises(RunFolderError, match=r"weights-00000002\.safetensors: damaged or missing: "):
        checkpoints.average()
    (tmp_path / "weights-00000002.safetensors").unlink()
    with pytest.raises(RunFolderError, match=r"weights-00000002\.safetensors: damaged or missing: "):
        checkpoints.average()
