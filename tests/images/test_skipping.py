"""One file's fault is that file's alone: in classifying, evaluating and training."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from patchword import api
from patchword.cli.main import app
from patchword.errors import DataError, RecipeError, one_line
from patchword.images import cache, classifying, dataset
from patchword.images.cache import ImageCache
from patchword.images.classifier import ImageClassifier
from patchword.images.dataset import read_dataset
from patchword.images.evaluation import evaluate_classifier
from patchword.images.task import ClassificationTask
from patchword.images.transforms import Preprocessing
from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import VisionTransformerConfig
from patchword.training.events import Event, Note
from tests.images.test_task import recipe

CLASSES = ("blue", "green", "re\x1b[31md")


@pytest.fixture
def system() -> ImageClassifier:
    config = VisionTransformerConfig.named("Ti/4", 3, image_size=(8, 8), d_model=16, num_heads=2, num_layers=1, d_ff=16)
    return ImageClassifier(VisionTransformer(config), Preprocessing(image_size=(8, 8)), CLASSES)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> dict[str, BaseException]:
    """By the name of a file, what is raised when it is decoded."""
    raised: dict[str, BaseException] = {}

    def opened(source: Path, *args: Any, **how: Any) -> Image.Image:
        if Path(str(source)).name in raised:
            raise raised[Path(str(source)).name]
        return Image.new("RGB", (8, 8))

    for module in (dataset, classifying):
        monkeypatch.setattr(module, "open_image", opened)
    return raised


@pytest.mark.parametrize("error", [MemoryError(), AttributeError("no tag"), RuntimeError("a\nb")])
def test_whatever_one_image_raises_the_others_are_answered(
    photos: Path, tmp_path: Path, system: ImageClassifier, failing: dict[str, BaseException], error: Exception
) -> None:
    failing["03.png"] = error
    found = system.classify(sorted((photos / "red").iterdir()), top=1)
    assert [result.error is None for result in found] == [name != 3 for name in range(20)]
    data = read_dataset(photos)
    known = ImageClassifier(system.model, system.preprocessing, data.classes)
    assert len(evaluate_classifier(known, data).skipped) == 3
    assert len(ImageCache(data, system.preprocessing, tmp_path).skipped) == 3


def test_an_interruption_ends_the_work(
    photos: Path, system: ImageClassifier, failing: dict[str, BaseException]
) -> None:
    failing["03.png"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        system.classify(sorted((photos / "red").iterdir()))


def test_training_goes_on_without_a_few_files_and_not_without_many(photos: Path, tmp_path: Path) -> None:
    for index in range(3):
        (photos / "green" / f"{index:02d}.png").write_bytes(b"no picture")
    task = ClassificationTask.prepare(recipe(photos), tmp_path)
    assert len(task.skipped) == 3
    assert "3 files could not be read and are skipped:" in task.notes
    with pytest.raises(DataError, match=r"3 of 60 images cannot be read; the first: .*green"):
        ClassificationTask.prepare(recipe(photos, data={"train": [str(photos)], "strict": True}), tmp_path)
    (photos / "green" / "03.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="4 of 60 images cannot be read, more than the 5 % that are left out"):
        ClassificationTask.prepare(recipe(photos), tmp_path)


def test_a_class_without_a_picture_that_can_be_read_is_an_error(photos: Path, tmp_path: Path) -> None:
    for path in sorted((photos / "green").iterdir())[2:]:
        path.unlink()
    for path in (photos / "green").iterdir():
        path.write_bytes(b"no picture")
    with pytest.raises(DataError, match="class 'green' has no image that can be read"):
        ClassificationTask.prepare(recipe(photos), tmp_path)


def test_classes_and_their_numbers_are_told_before_any_image_is_read(photos: Path, tmp_path: Path) -> None:
    events: list[Event] = []
    ClassificationTask.prepare(recipe(photos), tmp_path, events.append)
    assert events[0] == Note("classes: blue 16, green 16, red 16")


def test_a_file_that_is_lost_during_training_is_replaced_by_its_class(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "MEMORY_BYTES", 10)
    monkeypatch.setattr(cache, "FREE_DISK_SHARE", 0.0)
    told: list[Event] = []
    data = read_dataset(photos)
    images = ImageCache(data, Preprocessing(image_size=(8, 8)), tmp_path / "cache", told.append)
    Path(data.names[19]).unlink()
    wanted = images.pixels([0])
    assert torch.equal(images.pixels([19]), wanted)
    images.pixels([19])
    notes = [event.text for event in told if isinstance(event, Note)]
    assert notes == [f"{data.names[19]}: no such file; another image of its class takes its place"]


def test_splits_of_a_folder_train_and_score(photos: Path, tmp_path: Path) -> None:
    for split in ("train", "val"):
        for kind in ("red", "blue"):
            (tmp_path / "d" / split / kind).mkdir(parents=True)
            for path in (
                sorted((photos / kind).iterdir())[:4] if split == "val" else sorted((photos / kind).iterdir())[4:]
            ):
                path.rename(tmp_path / "d" / split / kind / path.name)
    task = ClassificationTask.prepare(recipe(tmp_path / "d"), tmp_path)
    assert task.classes == ("blue", "red")
    assert "32 training images, 8 validation images, 2 classes" in task.notes
    system = ImageClassifier(task.model, task.recipe.preprocessing, task.classes)
    found = api.evaluation(system, [tmp_path / "d"])
    assert found.scores.images == 8
    assert found.notes[-1] == f"using the validation data of {tmp_path / 'd'}"


def test_one_class_alone_can_be_scored(photos: Path, system: ImageClassifier, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (photos / "blue").rename(tmp_path / "one" / "blue")
    scores = api.evaluation(system, [tmp_path / "one"]).scores
    assert scores.images == 20
    assert [row.support for row in scores.classes] == [20, 0, 0]
    assert scores.as_text().replace("\n", "").isprintable()


def test_json_has_no_control_character_and_all_of_a_name(photos: Path, system: ImageClassifier, tmp_path: Path) -> None:
    names = ("a\x9b31m", "b\u202e\U000e0001", "\u732b\u00e9")
    ImageClassifier(system.model, system.preprocessing, names).save(tmp_path / "model")
    command = ["classify", str(tmp_path / "model"), str(photos / "red" / "00.png"), "--json"]
    text = CliRunner().invoke(app, command).stdout
    assert one_line(text.strip()) == text.strip()
    assert {row["class"] for row in json.loads(text)["predictions"]} == set(names)


@pytest.mark.parametrize("pixels", ["7", "-1", "9" * 30])
def test_a_limit_that_can_be_none_is_named(photos: Path, tmp_path: Path, pixels: str) -> None:
    command = ["train", "classification", "--data", str(photos), "--out", str(tmp_path / "run"), "--max-pixels", pixels]
    with pytest.raises(RecipeError, match=f"max_pixels = {pixels}: expected 65,536 to"):
        CliRunner().invoke(app, command, catch_exceptions=False)
    assert not (tmp_path / "run").exists()


def test_classify_takes_folders_and_zips(photos: Path, system: ImageClassifier, tmp_path: Path) -> None:
    system.save(tmp_path / "model")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(photos / "red" / "00.png", "inside/00.png")
        archive.writestr("inside/01.png", b"no picture")
        archive.writestr("inside/notes.txt", b"words")
    (photos / "red" / "w\x1b[31m.png").write_bytes((photos / "red" / "00.png").read_bytes())
    runner = CliRunner()
    command = ["classify", str(tmp_path / "model"), str(photos / "red"), str(tmp_path / "a.zip"), "nothing.png"]
    text = runner.invoke(app, [*command, "--top", "1"])
    assert text.exit_code == 1
    assert text.stdout.count(" %  ") == 22
    assert "\x1b" not in text.stdout
    assert "no such file" in text.stderr
    assert f"left out of {tmp_path}/a.zip: 1 .txt" in text.stderr
    rows = runner.invoke(app, [*command, "--csv", "--top", "2"]).stdout.splitlines()
    assert rows[0] == "image,rank,class,probability,error"
    assert len(rows) == 1 + 2 * 22 + 2
    records = [json.loads(line) for line in runner.invoke(app, [*command, "--json"]).stdout.splitlines()]
    assert [record["error"] is None for record in records] == [True] * 22 + [False] * 2
