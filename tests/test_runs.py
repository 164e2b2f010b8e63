"""What a training does around its loop: threads, what it says first, and what --resume goes on with."""

from pathlib import Path
from typing import Any

import pytest
import torch

import patchword
from patchword import runs
from patchword.errors import RecipeError
from patchword.images.wing import _image_size
from patchword.recipes import new_recipe
from patchword.training.events import Event, Note
from patchword.training.group import Alone
from patchword.training.recipe import read_toml
from patchword.training.state import load_state
from patchword.training.update import Updater

SMALL = {"model": {"d_model": 16, "num_layers": 1, "num_heads": 2, "d_ff": 16, "patch_size": 4}}

pytestmark = pytest.mark.usefixtures("two_threads")


def trained(photos: Path, out: Path, more: dict[str, Any] | None = None, **options: Any) -> list[str]:
    """Sentences that a short training says, with more settings."""
    said: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, Note):
            said.append(event.text)

    patchword.train(
        "classification",
        out,
        data=photos,
        settings={**SMALL, **(more or {})},
        max_steps=1,
        listener=listen,
        show=False,
        **options,
    )
    return said


def test_one_thread_is_told_and_kept_and_given_back(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "suitable_threads", lambda most: (1, 9.0))
    said = trained(photos, tmp_path / "run")
    assert any("training with one thread: 2 took 9.0 times as long just now" in sentence for sentence in said)
    # The recipe leaves the number open, so that it may change; the state has what it is.
    assert "threads" not in read_toml(tmp_path / "run" / "recipe.toml")["training"]
    assert load_state(tmp_path / "run" / "state" / "latest.pt")[0].threads == 1
    assert torch.get_num_threads() == 2


def test_a_run_goes_on_with_the_threads_that_it_had(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "suitable_threads", lambda most: (1, 9.0))
    trained(photos, tmp_path / "run", {"schedule.name": "constant"})
    monkeypatch.setattr(runs, "suitable_threads", lambda most: (2, 1.0))
    numbers = []
    update = Updater.update

    def noted(self: Updater, *arguments: Any) -> Any:
        numbers.append(torch.get_num_threads())
        return update(self, *arguments)

    monkeypatch.setattr(Updater, "update", noted)
    patchword.train(None, tmp_path / "run", resume=True, max_steps=3, show=False)
    assert numbers == [1, 1]
    patchword.train(None, tmp_path / "run", resume=True, max_steps=4, threads=2, show=False)
    assert numbers == [1, 1, 2]
    assert load_state(tmp_path / "run" / "state" / "latest.pt")[0].threads == 0


def test_a_training_that_fails_gives_the_threads_back(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare(*_: Any) -> None:
        assert torch.get_num_threads() == 1
        raise RecipeError("nothing to do")

    monkeypatch.setattr("patchword.images.wing.WING.prepare", prepare, raising=False)
    with pytest.raises(RecipeError, match="nothing to do"):
        trained(photos, tmp_path / "run", threads=1)
    assert torch.get_num_threads() == 2


def test_a_number_that_is_given_is_not_measured(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "suitable_threads", lambda most: pytest.fail("measured"))
    assert not any("thread" in sentence for sentence in trained(photos, tmp_path / "run", threads=1))


def test_an_accelerator_is_not_measured(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "suitable_threads", lambda most: pytest.fail("measured"))
    monkeypatch.setattr(runs, "find_device", lambda _: torch.device("meta"))
    assert runs.set_threads(new_recipe("classification", [photos])[0], Alone(), resume=False) == (None, [])
    assert torch.get_num_threads() == 2


def test_resuming_takes_no_recipe(photos: Path, tmp_path: Path) -> None:
    trained(photos, tmp_path / "run", threads=1)
    with pytest.raises(RecipeError, match=r"goes on with the recipe of the run in .*; leave 'classification' out"):
        patchword.train("classification", tmp_path / "run", resume=True, show=False)


@pytest.mark.parametrize("size", [16, [16, 16]])
def test_one_number_is_an_image_size(photos: Path, tmp_path: Path, size: Any) -> None:
    trained(photos, tmp_path / "run", image_size=size)
    classifier: Any = patchword.load(tmp_path / "run")
    assert classifier.preprocessing.image_size == (16, 16)


@pytest.mark.parametrize(
    ("size", "used"), [(24, (24, 24)), ([24, 16], (24, 16)), ((24, 16), (24, 16)), ("big", (8, 8)), (True, (8, 8))]
)
def test_sizes_are_chosen_for_the_image_size_that_is_given(size: Any, used: tuple[int, int]) -> None:
    assert _image_size({"preprocessing": {"image_size": size}}, (8, 8)) == used


@pytest.mark.parametrize("size", [0, -16, True, "big", [16], 10**9])
def test_what_is_no_image_size_is_one_sentence(photos: Path, tmp_path: Path, size: Any) -> None:
    with pytest.raises(RecipeError) as caught:
        trained(photos, tmp_path / "run", image_size=size)
    assert "image_size" in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_one_setting_is_taken_as_one(photos: Path) -> None:
    recipe, _ = new_recipe("classification", [photos], settings="training.max_steps=5")
    assert recipe.training.max_steps == 5
