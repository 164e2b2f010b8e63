"""What a run needs to go on: the same data, a whole state; nonsense in its metrics does not matter."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from patchword import api
from patchword.errors import RunFolderError
from patchword.training.metrics import read_metrics
from tests.training.test_loop import files, recipe_values, train


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: lines[:-40], r"3\d\d training pairs then, 3\d\d now"),
        (lambda lines: [*lines[:3], "x", *lines[4:]], "as many training pairs as then, but not the same"),
        (lambda lines: [*lines[1:], lines[0]], "pairs as then, but not the same"),
    ],
    ids=["shorter", "other_words", "another_order"],
)
def test_a_run_does_not_go_on_with_other_text(
    phrases: tuple[Path, Path], tmp_path: Path, change: Any, said: str
) -> None:
    for path in phrases:
        shutil.copy(path, tmp_path / path.name)
    copies = (tmp_path / "p.en", tmp_path / "p.de")
    train(recipe_values(copies, max_steps=5), tmp_path / "run")
    before = files(tmp_path / "run")
    recipe = api.resumed_recipe(tmp_path / "run", ["training.max_steps=6"])
    for path in copies:
        lines = change(path.read_text(encoding="utf-8").splitlines())
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    with pytest.raises(RunFolderError, match="the data have changed since the run began: ") as caught:
        api.train(recipe, tmp_path / "run", resume=True, show=False)
    assert re.search(said, str(caught.value))
    assert files(tmp_path / "run") == before
    for path in phrases:
        shutil.copy(path, tmp_path / path.name)
    assert api.train(recipe, tmp_path / "run", resume=True, show=False).step == 6


def test_an_older_state_goes_on_with_a_note(phrases: tuple[Path, Path], tmp_path: Path) -> None:
    values = recipe_values(phrases, max_steps=5)
    train(values, tmp_path / "run")
    path = tmp_path / "run" / "state" / "latest.pt"
    state = torch.load(path, weights_only=True)
    del state["data"]
    torch.save(state, path)
    heard: list[Any] = []
    recipe = api.resumed_recipe(tmp_path / "run", ["training.max_steps=6"])
    assert api.train(recipe, tmp_path / "run", resume=True, listener=heard.append).step == 6
    assert any("whether these are the same is not checked" in getattr(event, "text", "") for event in heard)


def test_nonsense_in_the_metrics_does_not_end_a_run(phrases: tuple[Path, Path], tmp_path: Path) -> None:
    train(recipe_values(phrases, max_steps=5), tmp_path / "run")
    log = tmp_path / "run" / "metrics.jsonl"
    whole = log.read_bytes()
    nonsense = [b"", b"\xff\xfe", b"[" * 100_000, b'{"step": 1', b"[]", b'{"step": "x"}', b'{"step": 1, "loss": [1]}']
    nonsense += [b'{"step": 2, "validation": 3}', b'{"step": 1, "loss": 1%s}' % (b"0" * 5000), b'{"step": -1}']
    log.write_bytes(b"\n".join(nonsense) + b"\n" + whole)
    assert read_metrics(log) == [json.loads(line) for line in whole.splitlines()]
    recipe = api.resumed_recipe(tmp_path / "run", ["training.max_steps=6"])
    assert api.train(recipe, tmp_path / "run", resume=True, show=False).step == 6


def test_a_damaged_state_is_named(phrases: tuple[Path, Path], tmp_path: Path) -> None:
    values = recipe_values(phrases, max_steps=5)
    train(values, tmp_path / "run")
    state = tmp_path / "run" / "state" / "latest.pt"
    state.write_bytes(state.read_bytes()[:1000])
    with pytest.raises(RunFolderError, match=r"latest\.pt: the saved state is damaged"):
        train(values, tmp_path / "run", resume=True)
