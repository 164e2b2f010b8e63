"""Training that starts from a trained model of every architecture: what is taken over, and what stays frozen."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from patchword import api
from patchword.training.events import ignore
from patchword.training.recipe import read_toml
from patchword.wings import wing_of
from tests.architectures.kinds import Workshop, done, train, weights


def begun(shop: Workshop, init: Path, data: tuple[Path, ...], run: Path) -> Any:
    """The network before the first step of a run that starts from a model."""
    recipe = api.read_recipe(shop.tuned(init, data), "test")
    task: Any = wing_of(shop.kind.task).prepare(recipe, run, ignore)
    return task.model


def frozen(shop: Workshop, part: str, names: set[str], model: Any) -> set[str]:
    found = tuple(model.frozen(part))
    return {name for name in names if name in found or name.startswith(tuple(f"{n}." for n in found))}


def test_training_starts_from_all_weights_and_statistics(shop: Workshop, trained: Path, tmp_path: Path) -> None:
    start, init = begun(shop, trained, shop.data, tmp_path / "run").state_dict(), api.load(trained).model.state_dict()
    assert start.keys() == init.keys()
    assert [name for name in init if not torch.equal(start[name], init[name])] == []


def test_other_classes_get_a_head_of_zeros_and_other_pairs_keep_the_vocabulary(
    shop: Workshop, trained: Path, tmp_path: Path
) -> None:
    start = begun(shop, trained, shop.other, tmp_path / "run").state_dict()
    init = api.load(trained).model.state_dict()
    head = {name for name in init if name.startswith("head.")}
    assert bool(head) != shop.kind.translates
    assert all(torch.equal(start[name], init[name]) for name in init if name not in head)
    assert not any(start[name].any() for name in head)
    assert all(len(start[name]) == 2 for name in head)


def test_fine_tuning_moves_everything_and_is_never_worse(shop: Workshop, trained: Path, tmp_path: Path) -> None:
    train(shop.tuned(trained, shop.data), tmp_path / "run")
    before, after = weights(trained), torch.load(tmp_path / "run/state/latest.pt", weights_only=True)["model"]
    assert [name for name in before if torch.equal(before[name], after[name])] == []
    assert api.describe(tmp_path / "run")["facts"]["init"] == str(trained)
    metric = "loss" if shop.kind.translates else "accuracy"
    was, now = (api.describe(run)["facts"]["scores"][f"validation_{metric}"] for run in (trained, tmp_path / "run"))
    assert now <= was if shop.kind.translates else now >= was


def test_a_frozen_part_stays_bit_for_bit_and_the_rest_trains(shop: Workshop, trained: Path, tmp_path: Path) -> None:
    before = weights(trained)
    for part in shop.kind.parts:
        train(shop.tuned(trained, shop.data, part), tmp_path / part)
        after: dict[str, Tensor] = torch.load(tmp_path / part / "state/latest.pt", weights_only=True)["model"]
        still = frozen(shop, part, set(before), api.load(trained).model)
        assert {name for name in before if torch.equal(before[name], after[name])} == still, part
        best = weights(tmp_path / part)
        assert all(torch.equal(best[name], before[name]) for name in still)


def test_the_command_line_fine_tunes_what_it_is_given(shop: Workshop, trained: Path, tmp_path: Path) -> None:
    part, few = shop.kind.parts[-1], ["--set", "training.max_steps=2", "--set", "training.threads=1"]
    few += ["--set", "batch_tokens=400"] if shop.kind.translates else ["--set", "batch_size=8"]
    arguments = ["train", shop.kind.task, *shop.options, "--init", trained, "--out", tmp_path / "run", *few]
    _, said = done(*arguments, "--freeze", part)
    assert f"starting from {trained}" in said
    written = read_toml(tmp_path / "run" / "recipe.toml")
    assert (written["init"], written["freeze"]) == (str(trained), part)
    assert api.describe(tmp_path / "run")["architecture"] == shop.kind.name
