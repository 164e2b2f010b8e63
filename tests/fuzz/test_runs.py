"""Damaged run folders, recipes at the ends of what numbers can be, and kills while a state is written."""

import random
import shutil
import signal
import time
import tomllib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, get_args

import pytest
import tomli_w
import torch
from pydantic import BaseModel

from patchword import api
from patchword.errors import PatchwordError, RecipeError
from patchword.images.recipe import ClassificationRecipe
from patchword.models.registry import ARCHITECTURES
from patchword.recipes import read_recipe
from patchword.text.recipe import TranslationRecipe
from patchword.training.recipe import Recipe
from tests.forked import Forked
from tests.fuzz.share import WHOLE, cases

EXTREMES: list[Any] = [
    *(0, -1, 1, 2**31, 2**63 - 1, 2**63, 2**70, -(2**70), 10**5000),
    *(0.0, -0.0, 1e-300, -1e-300, 5e-324, 0.9999999999999999, 1.0, 1e300, -1e300, float("nan"), float("inf")),
    *("", "x", "x" * 100_000, "\x00", "\ud800", "../..", "nan", "1" * 5000, True, False, None),
    *(
        [],
        [1],
        [0, 0],
        [1, 1],
        [1e300, 1e300],
        [2**70, 2**70],
        [-1, -1],
        ["x"],
        [[]],
        ["x" * 9999],
        {},
        {"a": {"b": 1}},
    ),
]


def fields_of(config: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of all fields, those of nested configs included."""
    for name, field in config.model_fields.items():
        nested = [a for a in (field.annotation, *get_args(field.annotation)) if isinstance(a, type)]
        inner = [a for a in nested if issubclass(a, BaseModel)]
        yield (*path, name)
        if inner:
            yield from fields_of(inner[0], (*path, name))


def with_value(values: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    first, *rest = path
    below = values.get(first)
    inner = with_value(below if isinstance(below, dict) else {}, tuple(rest), value) if rest else value
    return {**values, first: inner}


RECIPES: dict[type[Recipe], dict[str, Any]] = {
    TranslationRecipe: {"task": "translation", "data": {"train": ["a.tsv"]}, "training": {"max_steps": 3}},
    ClassificationRecipe: {"task": "classification", "data": {"train": ["a"]}, "training": {"max_steps": 3}},
}


@pytest.mark.parametrize("config", RECIPES, ids=["translation", "classification"])
def test_every_field_at_every_extreme_is_refused_or_can_be_written_and_read(
    config: type[Recipe], tmp_path: Path
) -> None:
    tried = refused = 0
    sentences: list[str] = []
    task = RECIPES[config]["task"]
    own = [("model", name) for a in ARCHITECTURES.values() if a.task == task for name in a.config.model_fields]
    for path in [*fields_of(config), *own, ("model", "size"), ("model", "name")]:
        for value in EXTREMES if WHOLE else EXTREMES[:: len(EXTREMES) // 5]:
            tried += 1
            try:
                recipe = read_recipe(with_value(RECIPES[config], path, value), "recipe.toml")
            except RecipeError as error:
                refused += 1
                sentences.append(str(error))
                continue
            recipe.write(tmp_path / "recipe.toml")
            again = read_recipe(tomllib.loads((tmp_path / "recipe.toml").read_text(encoding="utf-8")), "written")
            assert again.training == recipe.training
            assert again.optimizer == recipe.optimizer
    assert refused > tried / 3
    assert [sentence for sentence in sentences if len(sentence) > 1500 or not sentence.isprintable()] == []


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, phrases: tuple[Path, Path]) -> Path:
    """A run of five steps, whose state is from the last."""
    folder = tmp_path_factory.mktemp("fuzz") / "run"
    model = {"d_model": 16, "num_heads": 2, "encoder_layers": 1, "decoder_layers": 1, "d_ff": 16, "size": "tiny"}
    values = {
        "task": "translation",
        "batch_tokens": 400,
        "data": {"train": [str(path) for path in phrases], "hold_out": 20},
        "vocabulary": {"size": 400},
        "model": model,
        "training": {"max_steps": 5, "ema_decay": 0.9, "average_last": 2, "validate_every": 3},
    }
    api.train(api.read_recipe(values, "test"), folder, show=False)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def damaged_bytes(data: bytes, generator: random.Random) -> bytes:
    kind = generator.randrange(4)
    if kind == 0:
        return data[: generator.randrange(len(data))]
    if kind == 1:
        changed = bytearray(data)
        for _ in range(generator.choice([1, 3, 30])):
            changed[generator.randrange(len(data))] = generator.randrange(256)
        return bytes(changed)
    if kind == 2:
        return generator.randbytes(generator.choice([0, 1, 100, len(data)]))
    place = generator.randrange(len(data))
    return data[:place] + generator.randbytes(9) + data[place:]


ODD: list[Any] = [None, -1, 10**9, 2**62, 1e300, float("nan"), "x", [], {}, [1, 2], torch.zeros(3), torch.zeros(0)]


def damage_state(path: Path, generator: random.Random) -> None:
    """Another value somewhere in the nested state, or none."""
    state = torch.load(path, weights_only=True)
    table: Any = state
    while True:
        keys = list(table) if isinstance(table, dict) else list(range(len(table)))
        key = generator.choice(keys)
        below = table[key]
        if isinstance(below, dict | list) and below and generator.random() < 0.8:
            table = below
            continue
        break
    value = generator.choice(ODD)
    if isinstance(below, torch.Tensor) and below.is_floating_point() and generator.random() < 0.5:
        value = torch.full_like(below, float("nan"))
    if isinstance(table, dict) and generator.random() < 0.3:
        del table[key]
    else:
        table[key] = value
    torch.save(state, path)


def damage_recipe(path: Path, generator: random.Random) -> None:
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    table = generator.choice([values, *(v for v in values.values() if isinstance(v, dict))])
    key = generator.choice(list(table))
    if generator.random() < 0.3:
        del table[key]
    else:
        table[key] = generator.choice([0, -1, 2**62, 1e300, "", "x" * 300, [], {}, [1, 1], True])
    path.write_text(tomli_w.dumps(values), encoding="utf-8")


def damage(folder: Path, generator: random.Random) -> None:
    kind = generator.randrange(5)
    if kind <= 1:
        damage_state(folder / "state" / "latest.pt", generator)
    elif kind == 2:
        damage_recipe(folder / "recipe.toml", generator)
    else:
        path = generator.choice([p for p in sorted(folder.rglob("*")) if p.is_file() and p.suffix != ".png"])
        path.write_bytes(damaged_bytes(path.read_bytes(), generator))


def test_a_damaged_run_is_refused_and_left_as_it_is_or_goes_on(run: Path, tmp_path: Path) -> None:
    ends, sentences, kept = {"refused": 0, "went on": 0}, [], []
    for case, generator in enumerate(cases(300, seed=11)):
        folder = tmp_path / f"run{case}"
        shutil.copytree(run, folder)
        damage(folder, generator)
        before, begun = contents(folder), time.monotonic()
        try:
            recipe = api.resumed_recipe(folder, ["training.max_steps=7"])
            outcome = api.train(recipe, folder, resume=True, show=False)
        except PatchwordError as error:
            ends["refused"] += 1
            sentences.append(str(error))
            kept.append(contents(folder).get("state/latest.pt") == before["state/latest.pt"])
        else:
            ends["went on"] += 1
            assert outcome.step == 7 or recipe.training.patience is not None
        assert time.monotonic() - begun < 60
        shutil.rmtree(folder)
    assert all(ends.values()), ends
    assert all(kept)
    assert [sentence for sentence in sentences if len(sentence) > 1500] == []


WRITER = """
import sys, torch
from pathlib import Path
from patchword.training.state import Progress, save_state
path, step = Path(sys.argv[1]), 0
print("ready", flush=True)
while True:
    step += 1
    values = {"model": {"w": torch.full((200_000,), float(step))}, "optimizer": {}, "average": None, "data": None}
    save_state(path, Progress(step=step), values)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_kill_at_any_moment_leaves_a_whole_state(tmp_path: Path) -> None:
    from patchword.training.state import load_state

    path = tmp_path / "state" / "latest.pt"
    for generator in islice(cases(300, seed=12), None if WHOLE else 4):
        process = Forked(WRITER, [path])
        process.wait_for("ready\n")
        time.sleep(0.02 + generator.random() / 5)
        process.kill()
        if path.exists():
            progress, values = load_state(path)
            assert bool((values["model"]["w"] == progress.step).all())
    assert path.exists()
