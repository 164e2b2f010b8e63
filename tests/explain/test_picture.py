"""The image part of an explanation: the picture as people have it, and maps where the model looked."""

import io
import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from patchword.errors import DataError, HeadlessError, RecipeError
from patchword.explain.explanation import explained
from patchword.explain.packing import unpacked
from patchword.explain.picture import data_url, reduced
from patchword.images.classifier import ImageClassifier
from tests.explain.classifiers import resnet, vit


def photo(width: int, height: int) -> Image.Image:
    """Red grows to the right, green downward."""
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([x, y, np.full_like(x, 90)], -1).astype(np.uint8))


def decoded(url: str) -> Image.Image:
    head, data = url.split(",")
    assert head in ("data:image/png;base64", "data:image/jpeg;base64")
    return Image.open(io.BytesIO(b64decode(data)))


def image_of(system: ImageClassifier, given: Any, **options: Any) -> dict[str, Any]:
    part: dict[str, Any] = explained(system, given, walk=False, **options)["image"]
    return part


def maps_of(image: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["id"]: each for each in image["maps"]}


def test_a_document_of_a_vision_transformer_has_every_map_and_is_json() -> None:
    document = explained(vit(), photo(40, 30), name="pets")
    assert json.loads(json.dumps(document)) == document
    assert document["model"]["name"] == "pets"
    assert document["model"]["classes"] == 3
    assert document["notes"] == []
    assert document["walk"]
    image = document["image"]
    best = image["predictions"][0]
    assert document["title"] == f"image 1: {best['class']} {100 * best['probability']:.1f} %"
    assert [each["class"] for each in image["predictions"]] != []
    assert sum(each["probability"] for each in image["predictions"]) == pytest.approx(1)
    maps = maps_of(image)
    assert {name: (each["class"], each["array"]["shape"], each["measured"]) for name, each in maps.items()} == {
        "attention": (None, [2, 3, 4, 4], None),
        "rollout": (None, [4, 4], None),
        "relevance": (best["class"], [4, 4], None),
        "class_activation": (best["class"], [4, 4], None),
    }
    assert maps["attention"]["array"]["axes"] == ["layer", "head", "row", "column"]
    assert image["distance"]["unit"] == "pixels"
    assert image["distance"]["array"]["shape"] == [2, 3]
    assert image["positions"]["shape"] == [4, 4, 4, 4]
    assert image["filters"]["shape"] == [24, 4, 4, 3]


def test_a_residual_network_has_the_maps_that_it_gives_and_the_page_is_told_what_is_not_there() -> None:
    image = image_of(resnet(), photo(16, 16))
    assert [each["id"] for each in image["maps"]] == ["class_activation"]
    assert image["maps"][0]["array"]["shape"] == [8, 8]
    assert image["distance"] is None
    assert image["positions"] is None
    assert image["filters"]["shape"] == [8, 3, 3, 3]


def test_maps_are_those_of_the_reference_network_whatever_runs() -> None:
    system = vit()
    pixels = system.preprocessing([photo(16, 16)])
    expected = system.model.class_evidence(pixels, torch.tensor([2]))
    fast = vit(how={"precision": "int8"})
    for classifier in (system, fast):
        maps = maps_of(image_of(classifier, photo(16, 16), class_index=2))
        for name, evidence in expected.items():
            found = unpacked(maps[name]["array"])
            np.testing.assert_allclose(found, evidence.values[0].numpy(), atol=1e-4 * evidence.values.max().item())
            assert maps[name]["class"] == "frog"


def test_weights_of_half_precision_have_maps_in_float32() -> None:
    system = vit()
    system.model.to(torch.bfloat16)
    maps = maps_of(image_of(system, photo(16, 16)))
    system.model.float()  # the rounded weights
    for name, each in maps_of(image_of(system, photo(16, 16))).items():
        np.testing.assert_array_equal(unpacked(maps[name]["array"]), unpacked(each["array"]))


def test_a_model_that_has_just_been_loaded_for_int8_explains(tmp_path: Path) -> None:
    system = vit()
    system.save(tmp_path / "model")
    loaded = ImageClassifier.load(tmp_path / "model", precision="int8")
    with torch.inference_mode():
        assert maps_of(image_of(loaded, photo(16, 16))) == maps_of(image_of(system, photo(16, 16)))


def test_another_class_than_the_likeliest_is_explained_by_name_or_number() -> None:
    system = vit()
    named, numbered, likeliest = (image_of(system, photo(16, 16), **how) for how in (
        {"class_name": "dog"}, {"class_index": 1}, {}))  # fmt: skip
    assert named == numbered
    assert maps_of(named)["relevance"]["class"] == "dog"
    assert maps_of(named)["attention"] == maps_of(likeliest)["attention"]
    assert likeliest["predictions"] == named["predictions"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"class_name": "dgo"}, "unknown class 'dgo'; did you mean 'dog'"),
        ({"class_index": 3}, "class 3: the model has classes 0 to 2"),
        ({"class_index": -1}, "class -1: the model has classes 0 to 2"),
        ({"beam": 4}, "unknown option 'beam'"),
        ({"max_pixels": 3}, "max_pixels = 3"),
    ],
)
def test_a_class_or_an_option_that_there_is_not_is_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(RecipeError, match=problem):
        explained(vit(), photo(16, 16), **options)


def test_a_backbone_has_nothing_to_explain() -> None:
    with pytest.raises(HeadlessError):
        explained(vit(num_classes=0), photo(16, 16))


def test_a_file_that_is_no_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    with pytest.raises(DataError, match=r"x\.png"):
        explained(vit(), tmp_path / "x.png")


def test_the_title_has_the_files_name_and_not_where_it_lies(tmp_path: Path) -> None:
    photo(20, 20).save(tmp_path / "cat.png")
    document = explained(vit(), tmp_path / "cat.png")
    assert document["title"].startswith("cat.png: ")
    assert str(tmp_path) not in json.dumps(document)


@pytest.mark.parametrize("size", [(1000, 600), (300, 900), (512, 512), (513, 20), (40, 30), (3, 3), (1, 4000)])
def test_a_picture_keeps_its_aspect_ratio_within_512_pixels_and_small_ones_their_pixels(size: tuple[int, int]) -> None:
    small = reduced(photo(*size))
    scale = min(1, 512 / max(size))
    assert small.size == (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
    shown = decoded(data_url(small)).convert("RGB")
    assert shown.size == small.size
    if max(size) <= 128:
        assert shown.tobytes() == photo(*size).tobytes()


@pytest.mark.parametrize(
    ("size", "box"),
    [((64, 32), [0.25, 0, 0.75, 1]), ((32, 128), [0, 0.375, 1, 0.625]), ((16, 16), [0, 0, 1, 1])],
    ids=["wide", "tall", "square"],
)
def test_the_box_is_where_the_model_looked(size: tuple[int, int], box: list[float]) -> None:
    image = image_of(vit(), photo(*size))
    assert image["box"] == pytest.approx(box)
    # The colours of what the model saw are those of the picture within the box.
    seen = np.asarray(decoded(image["seen"]).convert("RGB"), float)
    assert image["seen_size"] == [16, 16]
    width, height = size
    cut = photo(*size).crop(
        (round(box[0] * width), round(box[1] * height), round(box[2] * width), round(box[3] * height))
    )
    assert np.abs(seen - np.asarray(cut.resize((16, 16), Image.Resampling.BOX), float)).mean() < 4


def test_white_borders_lie_outside_of_the_picture() -> None:
    image = image_of(vit(preprocessing={"resize": "pad"}), photo(64, 32))
    assert image["box"] == pytest.approx([0, -0.5, 1, 1.5])


def test_a_map_of_one_cell_of_a_tall_crop_has_the_models_own_aspect_ratio() -> None:
    image = image_of(vit(image_size=(8, 16)), photo(64, 64))
    assert image["seen_size"] == [8, 16]
    assert image["box"] == pytest.approx([0, 0.25, 1, 0.75])
    assert maps_of(image)["relevance"]["array"]["shape"] == [2, 4]


def saved(path: Path, picture: Image.Image, **how: Any) -> Path:
    picture.save(path, **how)
    return path


def test_every_kind_of_picture_is_shown_as_people_see_it(tmp_path: Path) -> None:
    system = vit()
    ramp = np.tile(np.linspace(0, 65535, 40).astype(np.uint16), (20, 1))
    deep = saved(tmp_path / "deep.png", Image.fromarray(ramp))
    grey = saved(tmp_path / "grey.png", Image.fromarray((ramp / 257).astype(np.uint8)))
    for path in (deep, grey):
        shown = np.asarray(decoded(image_of(system, path)["picture"]).convert("L"), float)
        assert shown.shape == (20, 40)
        assert np.abs(shown - ramp / 257).max() <= 2
    clear = saved(tmp_path / "clear.png", Image.new("RGBA", (12, 9), (255, 0, 0, 0)))
    assert decoded(image_of(system, clear)["picture"]).convert("RGB").getpixel((5, 5)) == (255, 255, 255)
    tiny = image_of(system, saved(tmp_path / "tiny.png", photo(3, 3)))
    assert (tiny["width"], tiny["height"]) == (3, 3)
    assert decoded(tiny["seen"]).size == (16, 16)


def test_a_photograph_that_lies_on_its_side_stands_upright_and_keeps_its_secrets(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned
    exif[0x010F] = "Secret camera"
    path = saved(tmp_path / "turned.jpg", photo(60, 30), exif=exif, quality=95, comment=b"Secret place")
    image = image_of(vit(), path)
    assert (image["width"], image["height"]) == (30, 60)
    assert image["box"] == pytest.approx([0, 0.25, 1, 0.75])
    shown = decoded(image["picture"])
    assert not shown.getexif()
    assert b"Secret" not in b64decode(image["picture"].split(",")[1])
    # What was on the left, without red, is now on top.
    red = np.asarray(shown.convert("RGB"), float)[..., 0]
    assert red[:10].mean() < 60 < 200 < red[-10:].mean()


def test_a_head_that_looks_everywhere_is_kept_beside_one_that_looks_at_one_patch() -> None:
    system = vit(image_size=(56, 56))  # 196 patches
    found = unpacked(maps_of(image_of(system, photo(56, 56)))["attention"]["array"])
    with torch.no_grad():
        evidence = system.model.evidence(system.preprocessing([photo(56, 56)]))["encoder"]
    expected = evidence.values[:, 0, :, 0, 1:].unflatten(-1, (14, 14)).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_document_of_twelve_layers_and_heads_on_196_patches_is_small() -> None:
    system = vit(image_size=(224, 224), patch_size=16, num_layers=12, num_heads=12)
    noise = np.random.default_rng(1).integers(0, 256, (15, 20, 3), dtype=np.uint8)
    given = Image.fromarray(noise).resize((640, 480), Image.Resampling.BICUBIC)
    document = explained(system, given, walk=False)
    assert document["image"]["positions"]["shape"] == [14, 14, 14, 14]
    assert len(json.dumps(document)) < 400_000


def test_maps_of_very_many_numbers_are_averaged_over_squares_of_patches(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = unpacked(maps_of(image_of(vit(), photo(16, 16)))["attention"]["array"])
    monkeypatch.setattr("patchword.explain.picture._MOST_ATTENTION", 50)
    document = explained(vit(), photo(16, 16), walk=False)
    assert document["notes"] == [
        "The attention of every layer and head is averaged over squares of patches, to be small enough for a page."
    ]
    found = unpacked(maps_of(document["image"])["attention"]["array"])
    np.testing.assert_allclose(found, whole.reshape(2, 3, 2, 2, 2, 2).mean((3, 5)), atol=1e-4)
