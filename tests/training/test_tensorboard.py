"""Event files for TensorBoard, read back with TensorBoard's own reader: they say what metrics.jsonl says."""

import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from patchword import api
from patchword.errors import OutputError, RecipeError
from patchword.training.metrics import read_metrics
from patchword.training.tensorboard import EventFiles
from tests.forked import killed_training
from tests.training.test_loop import recipe_values, train

accumulator: Any = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")


def curves(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Every curve as TensorBoard reads it: steps and values."""
    found = accumulator.EventAccumulator(str(folder), size_guidance={accumulator.TENSORS: 0, accumulator.SCALARS: 0})
    found.Reload()
    return {tag: [(e.step, e.value) for e in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


def told(run: Path) -> dict[str, list[tuple[int, float]]]:
    """The same of metrics.jsonl, in the precision that event files have."""
    found: dict[str, list[tuple[int, float]]] = {}
    validated = -1
    for row in read_metrics(run / "metrics.jsonl"):
        names = {f"training/{name}": row[name] for name in row if name not in ("step", "epoch", "seconds")}
        if "validation" in row:
            group = "validation_of_mean" if row["step"] == validated else "validation"
            names, validated = {f"{group}/{name}": value for name, value in row["validation"].items()}, row["step"]
        for name, value in names.items():
            found.setdefault(name, []).append((row["step"], float(np.float32(value))))
    return found


def test_a_run_has_the_curves_of_its_metrics_and_none_without_being_asked(
    phrases: tuple[Path, Path], tmp_path: Path
) -> None:
    train(recipe_values(phrases, tensorboard=True), tmp_path / "run")
    found = curves(tmp_path / "run" / "tensorboard")
    assert found == told(tmp_path / "run")
    assert found.keys() == {
        "training/loss",
        "training/learning_rate",
        "training/tokens_per_second",
        "training/threads",
        "validation/loss",
        "validation_of_mean/loss",
    }
    assert [step for step, _ in found["training/loss"]] == [25, 50]
    assert [step for step, _ in found["validation/loss"]] == [20, 40, 50]
    train(recipe_values(phrases, max_steps=5), tmp_path / "plain")
    assert not (tmp_path / "plain" / "tensorboard").exists()


def test_a_killed_run_can_be_read_and_goes_on_without_a_point_twice(phrases: tuple[Path, Path], tmp_path: Path) -> None:
    values, run = recipe_values(phrases, tensorboard=True, max_steps=100), tmp_path / "run"
    ended = killed_training(values, run, 50)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    left = curves(run / "tensorboard")
    assert left == told(run)
    assert [step for step, _ in left["training/loss"]] == [25, 50]
    # What TensorBoard had read before the run went on; it reads the new file after it.
    watching = accumulator.EventAccumulator(str(run / "tensorboard"))
    watching.Reload()
    train(values, run, resume=True)
    assert curves(run / "tensorboard") == told(run)
    assert [step for step, _ in curves(run / "tensorboard")["training/loss"]] == [25, 50, 75, 100]
    watching.Reload()
    assert [e.step for e in watching.Scalars("training/loss")] == [25, 50, 75, 100]


def test_a_run_that_goes_on_with_it_has_its_past_too(phrases: tuple[Path, Path], tmp_path: Path) -> None:
    train(recipe_values(phrases, max_steps=30), tmp_path / "run")
    api.train(
        None,
        tmp_path / "run",
        resume=True,
        show=False,
        max_steps=60,
        tensorboard=True,
        settings={"training.threads": 1},
    )
    found = curves(tmp_path / "run" / "tensorboard")
    assert found == told(tmp_path / "run")
    assert [step for step, _ in found["training/loss"]] == [25, 50]


def test_rows_that_were_changed_by_hand_hide_no_others(tmp_path: Path) -> None:
    files = EventFiles(tmp_path / "events")
    rows: list[dict[str, Any]] = [
        {"step": 1, "loss": 2.0, "learning_rate": 10**400, "seconds": "long"},
        {"step": 2, "loss": float("nan"), "note": "mine"},
        {"step": 3, "validation": {"loss": 1e300, "bleu": 7}},
    ]
    files.begin(rows)
    files.end()
    found = curves(tmp_path / "events")
    assert found.keys() == {"training/loss", "validation/bleu"}
    assert [step for step, _ in found["training/loss"]] == [1, 2]


def test_files_of_others_in_the_folder_stay(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for loss in (1.0, 2.0):
        files = EventFiles(tmp_path)
        files.begin([])
        files.add({"step": 25, "loss": loss})
        files.end()
    assert curves(tmp_path) == {"training/loss": [(25, 2.0)]}
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_place_where_nothing_can_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"file/tensorboard: cannot be written: "):
        EventFiles(tmp_path / "file" / "tensorboard").begin([])


def test_without_the_package_one_sentence_names_the_extra_before_data_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    missing = {"task": "translation", "data": {"train": ["no.en", "no.de"]}}
    recipe = api.read_recipe({**missing, "training": {"max_steps": 1, "tensorboard": True}}, "test")
    with pytest.raises(RecipeError, match=r"needs the package tensorboard: pip install 'patchword\[tensorboard\]'"):
        api.train(recipe, tmp_path / "run", show=False)
    assert not (tmp_path / "run").exists()
