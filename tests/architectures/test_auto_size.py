"""`"auto"` as the size of batches, of every architecture: a number is found, and the run is that one's."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from patchword import api
from patchword.errors import RecipeError
from patchword.images.task import ClassificationTask
from patchword.memory import available_bytes
from patchword.text.task import TranslationTask
from patchword.training import sizing
from patchword.training.events import Event, Note
from patchword.training.recipe import read_toml
from tests.architectures.kinds import Workshop, done, train, weights

SIZES = {True: (100, 200, 400), False: (4, 8, 16)}


@pytest.fixture
def key(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> str:
    """The recipe's key; few small sizes are tried, for the few small data."""
    task: Any = TranslationTask if shop.kind.translates else ClassificationTask
    monkeypatch.setattr(task, "batch_sizes", SIZES[shop.kind.translates])
    monkeypatch.setattr(sizing, "FEWEST", 1)
    key: str = task.size_key
    return key


def trained_with(shop: Workshop, key: str, size: object, run: Path) -> list[str]:
    said: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, Note):
            said.append(event.text)

    train({**shop.values(), key: size}, run, listener=listen)
    return said


def test_the_run_is_that_of_the_size_that_was_found(shop: Workshop, key: str, tmp_path: Path) -> None:
    said = trained_with(shop, key, "auto", tmp_path / "auto")
    found = read_toml(tmp_path / "auto" / "recipe.toml")[key]
    assert found in SIZES[shop.kind.translates]
    sentences = [text for text in said if text.startswith(f"{key} = ")]
    assert len(sentences) == 1
    assert sentences[0].startswith(f"{key} = {found:,}; tried: {SIZES[shop.kind.translates][0]} (")
    trained_with(shop, key, found, tmp_path / "named")
    auto, named = weights(tmp_path / "auto"), weights(tmp_path / "named")
    assert auto.keys() == named.keys()
    assert all(torch.equal(auto[name], named[name]) for name in auto)


def test_what_leaves_no_memory_is_not_taken(
    shop: Workshop, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = available_bytes(torch.device("cpu"))
    assert real is not None
    assert 2**26 < real < 2**50
    monkeypatch.setattr(sizing, "available_bytes", lambda device: 1000)
    said = trained_with(shop, key, "auto", tmp_path / "run")
    smallest = SIZES[shop.kind.translates][0]
    assert read_toml(tmp_path / "run" / "recipe.toml")[key] == smallest
    assert f"{key} = {smallest}; tried: {smallest} (too large)" in said


def test_what_would_take_too_much_is_not_tried(
    shop: Workshop, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sizing.Trial, "grown", lambda trial, size: 10**18)
    said = trained_with(shop, key, "auto", tmp_path / "run")
    first, second, _ = SIZES[shop.kind.translates]
    assert read_toml(tmp_path / "run" / "recipe.toml")[key] == first
    pattern = rf"{key} = {first}; tried: {first} \([\d,]+ \w+/s\), {second} \(too large\)"
    assert any(re.fullmatch(pattern, text) for text in said)


def test_few_data_are_left_batches_enough(
    shop: Workshop, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sizing, "FEWEST", 10**6)
    trained_with(shop, key, "auto", tmp_path / "run")
    assert read_toml(tmp_path / "run" / "recipe.toml")[key] == SIZES[shop.kind.translates][0]


def test_the_command_takes_it(shop: Workshop, key: str, tmp_path: Path) -> None:
    settings = [text for text in shop.settings if not text.startswith(f"{key}=") and text != "--set"]
    arguments = ["train", shop.kind.task, *shop.options, "--model", shop.kind.short]
    arguments += [part for text in settings for part in ("--set", text)]
    _, said = done(*arguments, "--batch-size", "auto", "--dry-run")
    assert re.search(rf"{key} = \d+; tried: ", said)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [0, -3, "automatic", "9" * 5000, 2.5])
def test_other_values_are_refused(shop: Workshop, key: str, size: object) -> None:
    with pytest.raises(RecipeError, match=rf"^test: {key} = {re.escape(repr(size)[:10])}.*: .*, or 'auto'$"):
        api.read_recipe({**shop.values(), key: size}, "test")
