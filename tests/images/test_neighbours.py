"""k-NN accuracy: by hand, against scikit-learn's classifier, and on files."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.neighbors import KNeighborsClassifier

from patchword import api
from patchword.errors import DataError, RecipeError
from patchword.images.classifier import ImageClassifier
from patchword.images.dataset import read_dataset
from patchword.images.neighbours import _votes, evaluate_neighbours
from patchword.images.transforms import Preprocessing
from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import VisionTransformerConfig


class MeanColour:
    """Stands for a classifier; an image's features are its mean colour, so neighbours can be told by eye."""

    def features(self, images: Sequence[Image.Image]) -> torch.Tensor:
        return torch.stack([torch.from_numpy(np.array(image)).float().mean((0, 1)) for image in images])


def write(folder: Path, **classes: list[tuple[int, int, int]]) -> Path:
    for name, colours in classes.items():
        (folder / name).mkdir(parents=True)
        for index, colour in enumerate(colours):
            Image.new("RGB", (4, 4), colour).save(folder / name / f"{index}.png")
    return folder


def score(folder: Path, k: int, neighbours: Path | None = None) -> Any:
    source = None if neighbours is None else read_dataset(neighbours)
    return evaluate_neighbours(MeanColour(), read_dataset(folder), k, source)  # type: ignore[arg-type]


def vision_transformer(num_classes: int) -> ImageClassifier:
    fields = {"num_classes": num_classes, "image_size": (8, 8), "patch_size": 4, "d_model": 8, "num_heads": 2}
    config = VisionTransformerConfig.model_validate({**fields, "d_ff": 8, "num_layers": 1})
    names = [f"class {i}" for i in range(num_classes)]
    return ImageClassifier(VisionTransformer(config), Preprocessing(image_size=(8, 8)), names)


def test_an_image_is_never_its_own_neighbour(tmp_path: Path) -> None:
    # Each image's nearest other one is of the other class.
    folder = write(tmp_path, a=[(200, 0, 0), (0, 200, 0)], b=[(200, 9, 0), (9, 200, 0)])
    found = score(folder, 1)
    assert (found.accuracy, found.images, found.neighbours) == (0.0, 4, 3)
    assert found.confusion == ((0, 2), (2, 0))


def test_a_copy_of_an_image_is_its_neighbour(tmp_path: Path) -> None:
    folder = write(tmp_path, a=[(200, 0, 0)] * 3, b=[(0, 0, 200)] * 3)
    assert score(folder, 2).accuracy == 100.0


def test_similarity_is_of_direction_not_of_distance(tmp_path: Path) -> None:
    train = write(tmp_path / "train", red=[(250, 0, 0)], mixed=[(20, 20, 20)])
    queries = write(tmp_path / "queries", red=[(30, 1, 1)], mixed=[(250, 240, 240)])
    assert score(queries, 1, train).accuracy == 100.0


def test_neighbours_come_from_the_other_set_only(tmp_path: Path) -> None:
    train = write(tmp_path / "train", a=[(200, 0, 0)], b=[(0, 200, 0)], c=[(0, 0, 200)])
    queries = write(tmp_path / "queries", a=[(9, 200, 0)] * 2, b=[(0, 200, 9)])
    found = score(queries, 1, train)
    assert (found.images, found.neighbours) == (3, 3)
    assert found.accuracy == pytest.approx(100 / 3)
    assert [row.name for row in found.classes] == ["a", "b", "c"]


def test_votes_count_first_and_similarities_break_ties() -> None:
    similarities = np.array([[0.9, 0.2, 0.1], [0.9, 0.8, 0.7], [0.9, 0.8, -1.0]])
    labels = np.array([[0, 1, 1], [2, 1, 0], [1, 0, 1]])
    votes = _votes(similarities, labels, 3)
    assert votes.argmax(1).tolist() == [1, 2, 1]
    assert np.floor(votes).astype(int).tolist() == [[1, 2, 0], [1, 1, 1], [1, 2, 0]]


def test_odd_votes_of_two_classes_agree_with_scikit_learn(photos: Path) -> None:
    shutil.rmtree(photos / "green")
    classifier, data = vision_transformer(0), read_dataset(photos)
    train, queries = data.subset(range(0, 40, 2)), data.subset(range(1, 40, 2))
    sets = [(classifier.features([d.open(i) for i in range(len(d))]).numpy(), d.labels) for d in (train, queries)]
    judge = KNeighborsClassifier(5, metric="cosine").fit(*sets[0])
    assert evaluate_neighbours(classifier, queries, 5, train).accuracy == pytest.approx(100 * judge.score(*sets[1]))


@pytest.mark.parametrize("num_classes", [0, 7])
def test_the_head_and_its_classes_do_not_matter(photos: Path, num_classes: int) -> None:
    found = evaluate_neighbours(vision_transformer(num_classes), read_dataset(photos), 5)
    assert found.images == 60
    assert [row.name for row in found.classes] == ["blue", "green", "red"]
    assert "5-NN accuracy" in found.as_text()
    assert "60 images, neighbours chosen from 59 by" in found.as_text()


def test_files_that_cannot_be_read_are_listed_and_not_scored(photos: Path, tmp_path: Path) -> None:
    (photos / "red" / "00.png").write_bytes(b"")
    (photos / "blue" / "19.png").write_bytes(b"x")
    found = score(photos, 3)
    assert found.images == 58
    assert [row.support for row in found.classes] == [19, 20, 19]
    assert [Path(reason.split(":")[0]).name for reason in found.skipped] == ["19.png", "00.png"]
    both = api.evaluate(vision_transformer(0), [photos], knn=3, neighbours_from=photos)
    assert len(both.skipped) == 4


def test_mistakes_are_one_sentence(tmp_path: Path) -> None:
    folder = write(tmp_path / "few", cat=[(200, 0, 0)] * 2, dog=[(0, 0, 200)] * 2)
    with pytest.raises(RecipeError, match=r"4 neighbours asked for, but in .*few an image has 3 at most"):
        score(folder, 4)
    assert score(folder, 4, folder).neighbours == 4
    with pytest.raises(RecipeError, match=r"5 neighbours asked for, but in .*few an image has 4 at most"):
        score(folder, 5, folder)
    other = write(tmp_path / "other", cats=[(0, 0, 0)], dog=[(1, 1, 1)])
    with pytest.raises(DataError, match=r"other: class 'cats' is not in .*few; did you mean 'cat'\?"):
        score(other, 1, folder)
