"""What hostile or odd input must not do: end a run with a traceback, fill the memory, or shift a meaning."""

import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from patchword.errors import DataError, ModelFolderError, RecipeError
from patchword.images.augmentation import AugmentationConfig
from patchword.images.classifier import ImageClassifier
from patchword.images.dataset import read_dataset
from patchword.images.files import open_image
from patchword.images.recipe import ClassificationRecipe
from patchword.images.task import ClassificationTask, ImageBatch
from patchword.images.transforms import Preprocessing
from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import VisionTransformerConfig


def classifier() -> ImageClassifier:
    config = VisionTransformerConfig.named("Ti/4", 2, image_size=(8, 8), d_model=16, num_heads=2, num_layers=1, d_ff=16)
    return ImageClassifier(VisionTransformer(config), Preprocessing(image_size=(8, 8)), ("cat", "dog"))


def test_a_format_that_runs_another_program_is_refused_whatever_its_name(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.eps", "EPS")
    (tmp_path / "a.eps").rename(tmp_path / "a.jpg")
    with pytest.raises(DataError, match=r"a\.jpg: not an image"):
        open_image(tmp_path / "a.jpg")


def test_a_cameras_jpeg_of_several_pictures_is_its_first(tmp_path: Path) -> None:
    pictures = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    pictures[0].save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=pictures[1:])
    assert np.asarray(open_image(tmp_path / "a.jpg"))[0, 0, 0] > 200


def test_greys_of_32_bits_are_scaled_not_cut_off(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 100_000, 200_000]], dtype=np.int32)).save(tmp_path / "a.tiff")
    image = open_image(tmp_path / "a.tiff")
    assert [np.asarray(image)[0, x, 0] for x in range(3)] == [0, 128, 255]


def test_a_zip_reads_names_that_begin_with_a_dot_and_survives_pickling(photos: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("red/00.png", "blue/00.png"):
            archive.write(photos / name, f"./all/{name}")
    data = read_dataset(tmp_path / "a.zip")
    assert data.open(1).tobytes() == open_image(photos / "red" / "00.png").tobytes()
    assert pickle.loads(pickle.dumps(data)).open(0).tobytes() == data.open(0).tobytes()


def test_damage_inside_a_zip_is_the_images_error(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("a", "b"):
            archive.writestr(f"{name}/1.bmp", b"some words " * 500)
    content = bytearray(path.read_bytes())
    content[40:60] = b"\xff" * 20
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.zip: a/1\.bmp: cannot be read"):
        read_dataset(path).open(0)
    data = read_dataset(path)
    path.unlink()
    with pytest.raises(DataError, match="cannot be read"):
        data.open(0)


def test_a_folder_may_be_named_like_a_zip(photos: Path, tmp_path: Path) -> None:
    photos.rename(tmp_path / "photos.zip")
    assert read_dataset(tmp_path / "photos.zip").open(0).size == (16, 16)


def test_a_csv_error_names_the_line_of_the_file(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('path,label\nphotos/red/00.png,"re\nd"\nnothing.png,red\n')
    with pytest.raises(DataError, match=r"a\.csv, line 4: no such image"):
        read_dataset(tmp_path / "a.csv")


def test_a_thread_of_an_image_is_cropped_without_filling_the_memory() -> None:
    thread = Image.new("RGB", (1, 1_000_000), (10, 20, 30))
    found = Preprocessing(image_size=(64, 64)).pixels(thread)
    assert found.shape == (3, 64, 64)
    assert found[:, 0, 0].tolist() == [10, 20, 30]


def test_decoded_images_are_seen_as_files_are(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    clear.save(tmp_path / "clear.png")
    by_file, by_pixels, missing = classifier().classify([tmp_path / "clear.png", clear, tmp_path / "nothing.png"])
    # The same pixels; rows of a batch may round differently, a pixel that is not white would show in the third digit.
    assert dict(by_file.predictions) == pytest.approx(dict(by_pixels.predictions), abs=1e-6)
    assert missing.error is not None


def test_a_decoded_image_that_breaks_is_an_entry_of_its_own(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(content[: len(content) // 2])
    with Image.open(tmp_path / "a.png") as lazy:
        found = classifier().classify([Image.new("RGB", (8, 8)), lazy])
    assert found[0].error is None
    assert "damaged" in (found[1].error or "")


@pytest.mark.parametrize("key", ["classes", "preprocessing"])
def test_a_model_folder_without_its_details_is_refused(tmp_path: Path, key: str) -> None:
    classifier().save(tmp_path)
    values = json.loads((tmp_path / "config.json").read_text())
    del values["details"][key]
    (tmp_path / "config.json").write_text(json.dumps(values))
    with pytest.raises(ModelFolderError, match=f"'details.{key}' is missing"):
        ImageClassifier.load(tmp_path)


def test_label_smoothing_is_in_the_loss_and_not_in_the_curve(photos: Path, tmp_path: Path) -> None:
    logits, mixed = torch.tensor([[2.0, 0.0, 0.5], [0.0, 1.0, 0.0]], requires_grad=True), torch.eye(3)[:2] * 0.7 + 0.1
    values = {"data": {"train": [str(photos)]}, "preprocessing": {"image_size": [8, 8]}, "model": {"name": "Ti/4"}}
    task = ClassificationTask.prepare(ClassificationRecipe.parse(values, "test"), tmp_path)
    found = task.loss(lambda _: logits, ImageBatch(torch.zeros(2, 3, 8, 8), mixed))  # type: ignore[arg-type]
    wanted = torch.nn.functional.cross_entropy(logits, mixed, label_smoothing=0.1, reduction="sum")
    torch.testing.assert_close(found.total, wanted)
    torch.testing.assert_close(found.plain, torch.nn.functional.cross_entropy(logits, mixed, reduction="sum").detach())
    assert not found.plain.requires_grad
    assert found.total.requires_grad


def test_a_strength_of_nothing_is_refused_by_name() -> None:
    with pytest.raises(RecipeError, match="rand_augment_magnitude = 0"):
        AugmentationConfig.parse({"rand_augment": 1, "rand_augment_magnitude": 0}, "here")
