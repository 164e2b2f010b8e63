"""From what people say to a recipe."""

from pathlib import Path
from typing import Any

import pytest

from patchword import api
from patchword.errors import RecipeError, RunFolderError
from patchword.recipes import OPTIONS, check_keys, new_recipe, recipe_keys, settings_of
from patchword.wings import WINGS, wing_of


@pytest.mark.parametrize("task", WINGS)
def test_every_option_stands_for_a_key_that_there_is(task: str) -> None:
    known = {**OPTIONS, **wing_of(task).training_options}
    assert set(known.values()) <= set(recipe_keys(task))


def test_options_become_recipe_values(phrases: tuple[Path, Path]) -> None:
    options = {"epochs": 3, "batch_size": 700, "learning_rate": 0.004, "model": "rnn", "seed": 9, "threads": None}
    recipe, notes = new_recipe("translation", phrases, options=options, settings=["schedule.warmup_steps=7"])
    values: Any = recipe
    assert (values.training.max_epochs, values.training.max_steps, values.batch_tokens) == (3, None, 700)
    assert (values.optimizer.learning_rate, values.model.architecture, values.training.seed) == (0.004, "rnn", 9)
    assert values.schedule.warmup_steps == 7
    assert any("picked" in note for note in notes)


def test_epochs_take_the_place_of_picked_steps(photos: Path) -> None:
    recipe, _ = new_recipe("classification", [photos], options={"epochs": 2})
    assert (recipe.training.max_epochs, recipe.training.max_steps) == (2, None)
    recipe, _ = new_recipe("classification", [photos], settings={"training.max_minutes": 1.5})
    assert recipe.training.max_minutes == 1.5
    assert recipe.training.max_steps is not None


@pytest.mark.parametrize(
    ("task", "options", "said"),
    [
        ("translation", {"image_size": [32, 32]}, "--image-size is for image classifiers; this is a translator"),
        ("classification", {"columns": "1,2"}, "--columns is for translators; this is an image classifier"),
        ("classification", {"epoch": 3}, "unknown option 'epoch'; did you mean 'epochs'"),
        ("classification", {"epochs": -3}, "train: training.max_epochs = -3: "),
        ("translation", {"device": "tpu"}, "device 'tpu': expected auto, cpu, cuda, mps"),
        ("speech", {}, "'speech' is neither a recipe file nor a task"),
    ],
)
def test_wrong_options_are_one_sentence(
    photos: Path, phrases: tuple[Path, Path], tmp_path: Path, task: str, options: dict[str, Any], said: str
) -> None:
    data: Any = photos if task == "classification" else phrases
    with pytest.raises(RecipeError) as caught:
        api.train(task, tmp_path / "run", data=data, show=False, max_steps=1, **options)
    assert said in str(caught.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("max_epochs", "did you mean 'training.max_epochs'?"),
        ("training.learning_rate", "did you mean 'optimizer.learning_rate'?"),
        ("optimizer.weight_dacay", "did you mean 'optimizer.weight_decay'?"),
        ("training.d_ff", "did you mean 'model.d_ff'?"),
        ("model.dropuot", "did you mean 'model.dropout'?"),
        ("dropout", "did you mean 'model.dropout'?"),
    ],
)
def test_an_unknown_key_is_told_where_it_belongs_before_data_are_read(tmp_path: Path, key: str, hint: str) -> None:
    missing = tmp_path / "missing.tsv"
    with pytest.raises(RecipeError) as caught:
        new_recipe("translation", [missing], settings=[f"{key}=1"])
    assert str(caught.value) == f"unknown key {key!r}; {hint}"


def test_whole_tables_are_checked_key_by_key() -> None:
    check_keys("translation", {"training": {"max_steps": 3}, "model": {"d_ff": 8}})
    with pytest.raises(RecipeError, match=r"unknown key 'training\.steps'"):
        check_keys("translation", {"training": {"steps": 3}})


def test_resuming_takes_limits_alone(phrases: tuple[Path, Path], tmp_path: Path) -> None:
    small = {"model.size": "tiny", "model.d_model": 16, "model.num_heads": 2, "model.d_ff": 16, "vocabulary.size": 400}
    run = tmp_path / "run"
    api.train("translation", run, data=phrases, settings=small, max_steps=2, show=False)
    heard: list[Any] = []
    assert api.train(out=run, resume=True, listener=heard.append).step == 2
    assert any("the run was finished at step 2; raise one of its limits" in event.text for event in heard)
    assert api.train(out=run, resume=True, max_steps=4, show=False).step == 4
    with pytest.raises(RecipeError, match=r"--learning-rate is for a new run"):
        api.train(out=run, resume=True, learning_rate=0.1, show=False)
    with pytest.raises(RecipeError, match=r"--resume goes on with the run in .* and its data"):
        api.train(out=run, resume=True, data=phrases, show=False)
    with pytest.raises(RunFolderError, match="nothing to resume"):
        api.train(out=tmp_path / "none", resume=True, show=False)


def test_settings_of_nothing_are_nothing() -> None:
    assert settings_of("translation", {"epochs": None, "columns": None}) == {}
