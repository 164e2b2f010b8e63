"""`train --model NAME` chooses a recipe for each architecture, says what it picked, and trains by it."""

from pathlib import Path

from patchword import api
from patchword.training.recipe import read_toml
from tests.architectures.kinds import Workshop, done


def test_a_name_is_enough_to_train(shop: Workshop, tmp_path: Path) -> None:
    run = tmp_path / "run"
    arguments = ["train", shop.kind.task, *shop.options, "--model", shop.kind.short, "--out", run, *shop.settings]
    _, said = done(*arguments, "--set", "training.threads=1")
    assert shop.kind.picked in said
    assert f"the best model is {run}/best; try: patchword {api.wing_of(shop.kind.task).verb} {run}" in said
    assert {path.name for path in run.iterdir()} >= {"best", "state", "metrics.jsonl", "curves.png", "recipe.toml"}
    files = {path.name for path in (run / "best").iterdir()}
    assert files == {"config.json", "model.safetensors", "README.md"} | (
        {"vocabulary.model", "normalisation.json"} if shop.kind.translates else set()
    )
    written = read_toml(run / "recipe.toml")
    assert written["model"]["architecture"] == shop.kind.name
    assert written["model"].items() >= shop.kind.small.items()
    assert api.describe(run)["architecture"] == shop.kind.name
    assert api.load(run).model.config.model_dump(mode="json").items() >= shop.kind.small.items()


def test_without_a_name_it_is_the_tasks_first(shop: Workshop) -> None:
    first = {"translation": "transformer", "classification": "vision_transformer"}
    values, _ = api.choose_recipe(shop.kind.task, shop.data)
    assert values["model"]["architecture"] == first[shop.kind.task]


def test_a_recipe_file_takes_a_name_too(shop: Workshop, tmp_path: Path) -> None:
    recipe, run = tmp_path / "r.toml", tmp_path / "run"
    names = ", ".join(f'"{path.name}"' for path in shop.data)
    folder = shop.data[0].parent
    recipe.write_text(f'task = "{shop.kind.task}"\n[data]\ntrain = [{names}]\n')
    arguments = ["train", recipe, "--data", folder, "--model", shop.kind.short, "--out", run, *shop.settings]
    done(*arguments, "--quiet")
    assert (
        api.describe(run)["architecture"] == read_toml(run / "recipe.toml")["model"]["architecture"] == shop.kind.name
    )


def test_a_resolved_recipe_trains_the_same_model_again(shop: Workshop, trained: Path, tmp_path: Path) -> None:
    api.train(trained / "recipe.toml", tmp_path / "again", show=False)
    mine, theirs = (api.load(run).model.state_dict() for run in (trained, tmp_path / "again"))
    assert all((mine[name] == theirs[name]).all() for name in mine)


def test_both_names_of_an_architecture_mean_the_same(shop: Workshop) -> None:
    values = shop.values()
    found = []
    for name in (shop.kind.name, shop.kind.short):
        values["model"]["architecture"] = name
        found.append(api.read_recipe(values, "test").resolved_model())
    assert found[0] == found[1]
    assert found[0]["architecture"] == shop.kind.name
