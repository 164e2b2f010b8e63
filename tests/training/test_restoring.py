"""Going back to a saved state: nothing of it is used before all of it is seen to fit."""

from pathlib import Path
from typing import Any

import pytest
import torch

from patchword import api
from patchword.errors import RunFolderError


@pytest.fixture(scope="module", params=["adamw", "sgd"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, phrases: tuple[Path, Path]) -> Path:
    folder = tmp_path_factory.mktemp("restoring") / "run"
    values = {
        "task": "translation",
        "batch_tokens": 400,
        "data": {"train": [str(path) for path in phrases], "hold_out": 20},
        "vocabulary": {"size": 400},
        "model": {"d_model": 16, "num_heads": 2, "encoder_layers": 1, "decoder_layers": 1, "d_ff": 16},
        "optimizer": {"name": request.param},
        "training": {"max_steps": 3, "ema_decay": 0.9},
    }
    api.train(api.read_recipe(values, "test"), folder, show=False)
    return folder


def lacks_a_weight(state: dict[str, Any]) -> None:
    del state["model"][next(iter(state["model"]))]


def has_a_weight_more(state: dict[str, Any]) -> None:
    state["model"]["x" * 9999] = torch.zeros(1)


def other_size(state: dict[str, Any]) -> None:
    name = next(iter(state["model"]))
    state["model"][name] = state["model"][name][:-1].clone()


def other_type(state: dict[str, Any]) -> None:
    name = next(iter(state["model"]))
    state["model"][name] = state["model"][name].double()


def no_tensor(state: dict[str, Any]) -> None:
    state["model"][next(iter(state["model"]))] = "x"


def no_number(state: dict[str, Any]) -> None:
    next(iter(state["model"].values())).view(-1)[0] = float("nan")


def average_lost(state: dict[str, Any]) -> None:
    state["average"] = None


def average_infinite(state: dict[str, Any]) -> None:
    next(iter(state["average"].values())).view(-1)[0] = float("inf")


def optimizer_of_another(state: dict[str, Any]) -> None:
    state["optimizer"]["param_groups"][0]["params"].pop()


def optimizer_without_groups(state: dict[str, Any]) -> None:
    state["optimizer"]["param_groups"] = 3


def optimizers_sizes(state: dict[str, Any]) -> None:
    entry = state["optimizer"]["state"][0]
    entry.update({name: torch.zeros(2) for name in entry if name != "step"})


def optimizers_names(state: dict[str, Any]) -> None:
    state["optimizer"]["state"][0] = {"speed": torch.zeros(2)}


def optimizers_places(state: dict[str, Any]) -> None:
    state["optimizer"]["state"][10**9] = {}


def beyond_the_epoch(state: dict[str, Any]) -> None:
    state["progress"]["batch"] = 10**9


def checkpoint_lost(state: dict[str, Any]) -> None:
    state["progress"]["checkpoints"] = ["weights-00000001.safetensors"]


def generators(state: dict[str, Any]) -> None:
    state["random"]["torch"] = torch.zeros(5)


DAMAGES = [
    (lacks_a_weight, "model: '.*' is missing"),
    (has_a_weight_more, r"model: unexpected 'x{199}\.\.\."),
    (other_size, r"model: .* is float32 \(\d+, 16\), expected float32 \(\d+, 16\)"),
    (other_type, r"is float64 .*, expected float32"),
    (no_tensor, "is no tensor"),
    (no_number, "model: holds values that are infinite or not a number"),
    (average_lost, "it has no average"),
    (average_infinite, "average: holds values that are infinite or not a number"),
    (optimizer_of_another, "optimizer: its parameters are not the model's"),
    (optimizer_without_groups, "optimizer: its parameters are not the model's"),
    (optimizers_sizes, r"optimizer: \w+ of parameter 0 is float32 \(2,\), expected"),
    (optimizers_names, "optimizer: parameter 0 has not the values "),
    (optimizers_places, "optimizer: its state is not that of the model's parameters"),
    (beyond_the_epoch, r"progress\.batch = 1000000000, but an epoch has \d+ batches"),
    (checkpoint_lost, r"weights-00000001\.safetensors is not beside it"),
    (generators, "its random generators' states cannot be used"),
]


@pytest.mark.parametrize(("damage", "said"), DAMAGES, ids=[damage.__name__ for damage, _ in DAMAGES])
def test_a_state_that_does_not_fit_is_refused_by_what_is_wrong(run: Path, damage: Any, said: str) -> None:
    path = run / "state" / "latest.pt"
    whole = path.read_bytes()
    state = torch.load(path, weights_only=True)
    damage(state)
    torch.save(state, path)
    broken = path.read_bytes()
    recipe = api.resumed_recipe(run, ["training.max_steps=4"])
    with pytest.raises(RunFolderError, match=rf"latest\.pt: the saved state is damaged or another recipe's: .*{said}"):
        api.train(recipe, run, resume=True, show=False)
    assert path.read_bytes() == broken
    path.write_bytes(whole)


def test_a_state_in_another_layout_of_memory_goes_on_the_same(run: Path, tmp_path: Path) -> None:
    path = run / "state" / "latest.pt"
    whole = path.read_bytes()
    recipe = api.resumed_recipe(run, ["training.max_steps=4"])
    found = []
    for turned in (False, True):
        path.write_bytes(whole)
        if turned:
            state = torch.load(path, weights_only=True)
            for table in (state["model"], state["average"], *state["optimizer"]["state"].values()):
                for name, tensor in table.items():
                    if tensor is not None and tensor.dim() == 2:
                        table[name] = tensor.t().contiguous().t()
            torch.save(state, path)
        api.train(recipe, run, resume=True, show=False)
        found.append(torch.load(path, weights_only=True))
    path.write_bytes(whole)
    for name in ("model", "average"):
        assert all(torch.equal(tensor, found[1][name][key]) for key, tensor in found[0][name].items())
