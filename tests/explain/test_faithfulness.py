"""The table of faithfulness: maps that point at what is looked at beat a random order."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from patchword.errors import DataError
from patchword.explain.explanation import explained
from patchword.explain.faithfulness import interval, known
from patchword.explain.integrated_gradients import integrated_gradients
from patchword.explain.measuring import keep, kept, measure
from patchword.images.classification import AttendedImage
from patchword.images.classifier import ImageClassifier
from patchword.models.evidence import EvidenceMap
from tests.explain.classifiers import resnet, vit

AXES = ("batch", "row", "column")


class TopLeft(ImageClassifier):
    """Sees one thing alone: how much of the top left quarter is brighter than the mean colour."""

    def probabilities(self, pixels: Tensor) -> Tensor:
        share = (pixels[:, :, :8, :8] > 200).float().mean((1, 2, 3))
        return torch.stack([share, 1 - share, torch.zeros_like(share)], 1)

    def attention(self, image: Any, top: int = 5, **how: Any) -> AttendedImage:
        seen = super().attention(image, top, **how)
        quarter = torch.zeros(1, 4, 4)
        quarter[:, :2, :2] = 1
        evidence = {"relevance": EvidenceMap(AXES, quarter), "class_activation": EvidenceMap(AXES, 1 - quarter)}
        return dataclasses.replace(seen, evidence=evidence, explained="cat")


@pytest.fixture
def bright(tmp_path: Path) -> Path:
    """Twelve images that are bright in the top left quarter, one damaged file, and one of another kind."""
    folder = tmp_path / "bright"
    folder.mkdir()
    generator = np.random.default_rng(1)
    for number in range(12):
        pixels = generator.integers(0, 120, (16, 16, 3), dtype=np.uint8)
        pixels[:8, :8] = 255 - pixels[:8, :8] // 4
        Image.fromarray(pixels).save(folder / f"{number}.png")
    (folder / "damaged.png").write_bytes((folder / "1.png").read_bytes()[:60])
    return folder


def cells(table: Any) -> dict[str, tuple[float, float]]:
    """The means of a table's rows."""
    return {row[0]: (float(row[1].split()[0]), float(row[2].split()[0])) for row in table.rows}


def test_a_map_of_what_is_looked_at_beats_random_and_its_reverse_loses(bright: Path) -> None:
    system = vit()
    looking = TopLeft(system.model, system.preprocessing, system.classes)
    table = measure(looking, [bright], images=6)
    found = cells(table)
    assert min(found["relevance"]) > 0.1
    assert max(found["Grad-CAM"]) < -0.1
    figures = table.kept["maps"]["relevance"]
    assert figures["images"] == 6
    assert 0 < figures["deletion"]["low"] <= figures["deletion"]["mean"] <= figures["deletion"]["high"]


def test_every_map_of_a_model_has_a_row_beside_captums(bright: Path) -> None:
    told: list[Any] = []
    table = measure(vit(), [bright], told.append, images=3)
    names = ["attention, last layer", "attention rollout", "relevance", "Grad-CAM", "integrated gradients (captum)"]
    assert [row[0] for row in table.rows] == names
    assert table.kept["maps"].keys() == {"attention", "rollout", "relevance", "class_activation"}
    assert told[-1].fraction == 1.0
    assert table.title == "Faithfulness of maps, 3 images, seed 1"


def test_the_same_seed_gives_the_same_table_and_another_seed_another(bright: Path) -> None:
    one, same, other = (measure(vit(), [bright], seed=seed, images=3) for seed in (1, 1, 2))
    assert one.rows == same.rows
    assert one.rows != other.rows


def test_without_captum_its_row_is_left_out_and_a_note_says_so(bright: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patchword.explain.faithfulness.find_spec", lambda name: None)
    table = measure(resnet(), [bright], images=2)
    assert [row[0] for row in table.rows] == ["Grad-CAM"]
    assert any("captum is not installed" in note for note in table.notes)


def test_an_image_that_cannot_be_read_is_left_out_and_said(bright: Path) -> None:
    table = measure(resnet(), [bright], images=64)
    assert table.title == "Faithfulness of maps, 12 images, seed 1"
    assert any(note.startswith("1 image could not be read") for note in table.notes)
    with pytest.raises(DataError, match=r"damaged\.png: none of the images can be read"):
        measure(resnet(), [bright / "damaged.png"])


def test_what_was_measured_stands_beside_the_maps_from_then_on(bright: Path, tmp_path: Path) -> None:
    vit().save(tmp_path / "model")
    system = ImageClassifier.load(tmp_path / "model")
    table = measure(system, [bright], images=2)
    assert keep(system, table) is not None
    for each in explained(ImageClassifier.load(tmp_path / "model"), bright / "0.png")["image"]["maps"]:
        assert each["measured"] == table.kept["maps"][each["id"]]
    system.save(tmp_path / "model")  # other weights, for all that is known
    assert kept(system) == {}


BY = {"mean": 0.1, "low": 0.0, "high": 0.2}


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"maps": []},
        {"maps": {"rollout": {"images": 3}}},
        {"maps": {"rollout": {"images": "3", "deletion": BY, "insertion": BY}}},
        {"maps": {"rollout": {"images": 3, "deletion": BY, "insertion": {**BY, "low": "<b>"}}}},
        {"maps": {"rollout": {"images": 3, "deletion": {**BY, "high": float("nan")}, "insertion": BY}}},
    ],
)
def test_what_is_no_figure_of_ours_is_not_shown(content: dict[str, Any]) -> None:
    assert known(content, "rollout") is None
    figures = {"images": 3, "deletion": BY, "insertion": BY}
    assert known({"maps": {"rollout": figures}}, "rollout") == figures


def test_an_interval_has_the_mean_within_it_and_is_narrower_of_more_images() -> None:
    values = np.random.default_rng(1).normal(3, 1, 400)
    few, many = interval(values[:25], 1), interval(values, 1)
    assert few["low"] < values[:25].mean() < few["high"]
    # Twice the standard error on both sides.
    assert many["high"] - many["low"] == pytest.approx(4 * values.std() / 20, rel=0.1)
    assert few["high"] - few["low"] > 2 * (many["high"] - many["low"])
    assert interval(np.full(5, 0.25), 1) == {"mean": 0.25, "low": 0.25, "high": 0.25}


def test_integrated_gradients_add_up_to_the_answers_difference_from_the_mean_colour() -> None:
    pytest.importorskip("captum")
    model = vit().model
    images, classes = torch.randn(2, 3, 16, 16) / 2, torch.tensor([1, 2])
    with torch.inference_mode():
        found = integrated_gradients(model, images, classes)
        logits = model(images) - model(torch.zeros_like(images))
    torch.testing.assert_close(found.sum((1, 2)), logits.gather(1, classes[:, None])[:, 0], atol=0.05, rtol=0.05)
