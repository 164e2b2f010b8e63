"""From files to a trained classifier: cache, skips, epochs, classification, scores."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from patchword import api
from patchword.errors import DataError, ModelFolderError, OutOfMemoryError, RecipeError, RunFolderError
from patchword.explain.attention import read_rollout
from patchword.images import cache
from patchword.images.cache import ImageCache
from patchword.images.classifier import ImageClassifier
from patchword.images.dataset import read_dataset
from patchword.images.evaluation import evaluate_classifier
from patchword.images.presets import choose_recipe
from patchword.images.recipe import ClassificationRecipe
from patchword.images.scores import score_classifications
from patchword.images.task import ClassificationTask
from patchword.images.transforms import Preprocessing
from patchword.training.finite import DivergedError


def recipe(photos: Path, **changes: Any) -> ClassificationRecipe:
    values: dict[str, Any] = {
        "task": "classification",
        "data": {"train": [str(photos)], "hold_out": 0.2},
        "preprocessing": {"image_size": [8, 8], "resize": "squash"},
        "augmentation": {"flip": True, "pad_crop": 1},
        "model": {"name": "Ti/4", "d_model": 16, "num_heads": 2, "num_layers": 2, "d_ff": 32},
        "batch_size": 16,
        "optimizer": {"learning_rate": 3e-3},
        "schedule": {"name": "cosine", "warmup_steps": 5},
        "training": {"max_steps": 40},
    }
    values.update(changes)
    return ClassificationRecipe.parse(values, "test")


@pytest.fixture
def broken(photos: Path) -> Path:
    """The photos with two that cannot be read."""
    (photos / "green" / "00.png").write_bytes(b"")
    content = (photos / "red" / "05.png").read_bytes()
    (photos / "red" / "05.png").write_bytes(content[: len(content) // 2])
    return photos


@pytest.mark.parametrize("where", ["memory", "mapped", "none"])
def test_a_cache_gives_the_decoded_images_and_skips_broken_ones_without_shifting_labels(
    broken: Path, tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if where != "memory":
        monkeypatch.setattr(cache, "MEMORY_BYTES", 10)
    if where == "none":
        monkeypatch.setattr(cache, "FREE_DISK_SHARE", 0.0)
    data, preprocessing = read_dataset(broken), Preprocessing(image_size=(8, 8))
    images = ImageCache(data, preprocessing, tmp_path / "cache")
    assert [Path(name).name for name, _ in images.skipped] == ["00.png", "05.png"]
    assert all(name in reason for name, reason in images.skipped)
    assert len(images) == 58
    readable = [i for i in range(60) if data.names[i] not in [name for name, _ in images.skipped]]
    for index in (0, 20, 21, 45, 57):
        wanted = preprocessing.pixels(data.open(readable[index]))
        assert torch.equal(images.pixels([index])[0], wanted)
        colour = ("blue", "green", "red")[int(images.labels[index])]
        assert Path(data.names[readable[index]]).parent.name == colour
        assert int(wanted.float().mean((1, 2)).argmax()) == {"red": 0, "green": 1, "blue": 2}[colour]


def test_when_no_image_can_be_read_the_first_reason_is_told(photos: Path, tmp_path: Path) -> None:
    for path in photos.rglob("*.png"):
        path.write_bytes(b"x")
    with pytest.raises(DataError, match=r"none of its 60 images can be read; the first: .*not an image"):
        ImageCache(read_dataset(photos), Preprocessing(image_size=(8, 8)), tmp_path)


def test_epochs_and_split_are_functions_of_the_seed(broken: Path, tmp_path: Path) -> None:
    tasks = [ClassificationTask.prepare(recipe(broken), tmp_path) for _ in range(2)]
    first, second = ([batch.tolist() for batch in task.epoch(2)] for task in tasks)
    assert first == second
    assert first != [batch.tolist() for batch in tasks[0].epoch(3)]
    assert len({i for batch in first for i in batch}) == 16 * len(first)
    assert any("2 files could not be read and are skipped" in note for note in tasks[0].notes)


def test_training_learns_resumes_and_classifies(photos: Path, tmp_path: Path) -> None:
    whole = api.train(recipe(photos, training={"max_steps": 40, "validate_every": 20}), tmp_path / "whole", show=False)
    assert whole.best == 100.0  # the colours are easy
    part = recipe(
        photos,
        schedule={"name": "constant", "warmup_steps": 5},
        training={"max_steps": 17, "validate_every": 20},
    )
    api.train(part, tmp_path / "parts", show=False)
    resumed = api.resumed_recipe(tmp_path / "parts", ["training.max_steps=40"])
    assert api.train(resumed, tmp_path / "parts", resume=True, show=False).step == 40

    classifier = api.load(tmp_path / "whole")
    assert isinstance(classifier, ImageClassifier)
    files = [photos / "red" / "01.png", photos / "nothing.png", photos / "blue" / "02.png"]
    found = classifier.classify(files, top=2)
    assert [r.name for r in found] == [str(path) for path in files]
    assert [r.predictions[0][0] if r.predictions else None for r in found] == ["red", None, "blue"]
    assert found[1].error == f"{photos}/nothing.png: no such file"
    assert all(len(r.predictions) == 2 for r in (found[0], found[2]))
    # Alone in its batch an image may take another path through the matrix product, and round differently.
    alone = dict(classifier.classify([Image.open(files[0])], top=2)[0].predictions)
    assert alone == pytest.approx(dict(found[0].predictions), abs=1e-6)


def test_a_saved_classifier_is_the_same_classifier(photos: Path, tmp_path: Path) -> None:
    task = ClassificationTask.prepare(recipe(photos), tmp_path)
    classifier = ImageClassifier(task.model, task.recipe.preprocessing, task.classes)
    classifier.save(tmp_path / "model")
    again = ImageClassifier.load(tmp_path / "model")
    assert (again.classes, again.preprocessing) == (classifier.classes, classifier.preprocessing)
    pixels = torch.randint(0, 256, (3, 3, 8, 8), dtype=torch.uint8)
    assert torch.equal(again.probabilities(pixels), classifier.probabilities(pixels))
    from patchword.text.translator import Translator

    with pytest.raises(ModelFolderError, match="holds a model for classification, but translation was asked for"):
        Translator.load(tmp_path / "model")


def test_attention_is_a_map_over_the_patches(photos: Path, tmp_path: Path) -> None:
    task = ClassificationTask.prepare(recipe(photos), tmp_path)
    classifier = ImageClassifier(task.model, task.recipe.preprocessing, task.classes)
    seen = classifier.attention(photos / "red" / "01.png")
    weights = read_rollout(seen.evidence)
    assert weights.shape == (1, 2, 2)
    assert weights.sum().item() == pytest.approx(1.0)


def test_evaluation_lists_what_it_could_not_read(broken: Path, tmp_path: Path) -> None:
    task = ClassificationTask.prepare(recipe(broken), tmp_path)
    classifier = ImageClassifier(task.model, task.recipe.preprocessing, task.classes)
    scores = evaluate_classifier(classifier, read_dataset(broken), batch_size=7)
    assert scores.images == 58
    assert len(scores.skipped) == 2
    assert [row.support for row in scores.classes] == [20, 19, 19]


def test_scores_by_hand() -> None:
    probabilities = torch.tensor([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.8, 0.2]])
    scores = score_classifications(probabilities, torch.tensor([0, 0, 1, 1]), ("a", "b"))
    assert scores.top1 == 75.0
    assert scores.top5 is None
    assert scores.confusion == ((2, 0), (1, 1))
    assert scores.classes[0].precision == pytest.approx(200 / 3)
    assert (scores.classes[0].recall, scores.classes[1].precision, scores.classes[1].recall) == (100.0, 100.0, 50.0)
    gaps = [abs(90 - 100), abs(60 - 100), abs(70 - 100), abs(80 - 0)]
    assert scores.calibration_error == pytest.approx(sum(gaps) / 4, rel=1e-5)
    text = scores.as_text()
    assert "top-1 accuracy   75.00 % of 4 images" in text
    assert "confusion" in text


def test_top5_counts_the_five_likeliest() -> None:
    probabilities = torch.eye(8)[[0, 1]] * 0.5 + torch.linspace(0.08, 0.01, 8)
    scores = score_classifications(probabilities, torch.tensor([4, 7]), tuple("abcdefgh"))
    assert (scores.top1, scores.top5) == (0.0, 50.0)


def test_sizes_are_picked_from_the_images_and_said(photos: Path) -> None:
    values, notes = choose_recipe(read_dataset(photos))
    picked = ClassificationRecipe.parse({**values, "data": {"train": [str(photos)]}}, "picked")
    assert picked.preprocessing.image_size == (32, 32)
    assert "about 16 pixels" in notes[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": {"name": "Tiny/4"}}, "model.name = 'Tiny/4': unknown ViT"),
        ({"model": {"name": "Ti/4", "channels": 1}}, "channels = 1: pictures are read as RGB, in 3 channels"),
        ({"model": {"name": "Ti/3"}}, "does not divide into patches of 3"),
        ({"model": {"nmae": "Ti/4"}}, "unknown key 'model.nmae'; did you mean 'name'?"),
        ({"augmentation": {"flipp": True}}, "unknown key 'augmentation.flipp'; did you mean 'flip'?"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused(photos: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        recipe(photos, **changes)
    assert message in str(caught.value)


@pytest.mark.parametrize("where", ["folder", "zip"])
def test_a_run_does_not_go_on_with_other_images(photos: Path, tmp_path: Path, where: str) -> None:
    def packed() -> None:
        if where == "zip":
            shutil.make_archive(str(tmp_path / "packed"), "zip", photos)

    packed()
    data = photos if where == "folder" else tmp_path / "packed.zip"
    api.train(recipe(data, training={"max_steps": 2}, schedule={}), tmp_path / "run", show=False)
    changed = api.resumed_recipe(tmp_path / "run", ["training.max_steps=3"])
    first = photos / "blue" / "00.png"
    content = first.read_bytes()
    Image.new("RGB", (16, 16), "white").save(first, "BMP")  # of the same name
    packed()
    with pytest.raises(RunFolderError, match="the data have changed since the run began: as many "):
        api.train(changed, tmp_path / "run", resume=True, show=False)
    first.unlink()
    packed()
    with pytest.raises(RunFolderError, match=r"changed since the run began: \d+ \w+ images then, \d+ now"):
        api.train(changed, tmp_path / "run", resume=True, show=False)
    first.write_bytes(content)
    packed()
    assert api.train(changed, tmp_path / "run", resume=True, show=False).step == 3


def test_a_step_that_is_no_number_names_its_images(photos: Path, tmp_path: Path) -> None:
    wild = recipe(photos, optimizer={"learning_rate": 1e38}, schedule={})
    with pytest.raises(DivergedError, match=r"step \d+, epoch 1, batch of 16 images, \S+\.png, .*: the "):
        api.train(wild, tmp_path / "run", show=False)
    assert not (tmp_path / "run" / "best").exists()


def test_a_batch_that_is_too_large_names_its_key(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(task: Any, batch: Any, device: Any) -> None:
        torch.empty(2**55)

    monkeypatch.setattr(ClassificationTask, "load", load)
    with pytest.raises(OutOfMemoryError, match="not enough memory for a batch at step 1; lower batch_size or choose"):
        api.train(recipe(photos), tmp_path / "run", show=False)
