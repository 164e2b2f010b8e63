"""What is wrong with labelled images is found where it is, and what is right is not."""

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from patchword.checking import check
from patchword.errors import DataError, RecipeError
from patchword.findings import Findings


def picture(seed: int, size: int = 48) -> Image.Image:
    """Smooth shapes, of which no two seeds have the same."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC)


def save(path: Path, image: Image.Image) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of eight sound pictures."""
    for label in range(2):
        for number in range(8):
            save(tmp_path / "data" / ("cat", "dog")[label] / f"{number}.png", picture(10 * label + number))
    return tmp_path / "data"


def names(found: Findings, kind: str) -> list[str]:
    return ["/".join(Path(finding.file).parts[-2:]) for finding in found.of(kind)]


def test_sound_images_have_nothing_wrong(folder: Path) -> None:
    found = check(folder)
    assert found.found == []
    assert found.counts == {"training": 16}


def test_images_that_cannot_be_read(folder: Path) -> None:
    (folder / "cat" / "a.jpg").write_bytes(b"<html>gone</html>")
    (folder / "dog" / "b.png").write_bytes((folder / "dog" / "0.png").read_bytes()[:-900])
    (folder / "dog" / "c.png").touch()
    found = check(folder)
    assert names(found, "broken") == ["cat/a.jpg", "dog/b.png", "dog/c.png"]
    assert "it is a web page" in found.of("broken")[0].text
    assert found.harmful == 3


def test_the_same_pixels_whatever_the_file(folder: Path) -> None:
    picture(3).save(folder / "cat" / "again.bmp")
    shutil.copy(folder / "cat" / "1.png", folder / "cat" / "copy.png")
    (folder / "dog" / "link.png").symlink_to(folder / "dog" / "2.png")
    found = check(folder)
    assert sorted(names(found, "duplicate")) == ["cat/again.bmp", "cat/copy.png", "dog/link.png"]
    assert found.of("duplicate")[0].other.endswith(("cat/3.png", "cat/1.png", "dog/2.png"))


def test_the_same_image_in_two_classes(folder: Path) -> None:
    shutil.copy(folder / "cat" / "1.png", folder / "dog" / "copy.png")
    found = check(folder)
    assert names(found, "two-classes") == ["cat/1.png", "dog/copy.png"]
    assert found.of("duplicate") == []


def test_nearly_the_same_images(folder: Path) -> None:
    save(folder / "cat" / "a.jpg", picture(3))  # other pixels, by the compression
    save(folder / "cat" / "b.png", picture(4, size=200))
    save(folder / "dog" / "c.png", ImageEnhance.Brightness(picture(15)).enhance(0.8))
    found = check(folder)
    assert names(found, "near-duplicate") == ["cat/a.jpg", "cat/b.png", "dog/c.png"]
    assert [Path(f.other).name for f in found.of("near-duplicate")] == ["3.png", "4.png", "5.png"]
    assert found.harmful == 0


def test_small_things_in_an_empty_sky_are_not_the_same(folder: Path) -> None:
    for number in range(6):
        sky = Image.new("RGB", (48, 48), (120, 170, 230))
        sky.paste((20, 20, 30), (20, 22, 28, 24 + number % 3 * 3))
        sky.paste((20, 20, 30), (22 + number, 14, 24 + number, 30 - number))
        save(folder / "cat" / f"bird{number}.png", sky)
    assert all(finding.kind == "near-duplicate" for finding in check(folder).found)
    assert len(check(folder).found) <= 2


def test_images_that_are_tested_on(folder: Path, tmp_path: Path) -> None:
    shutil.copy(save(tmp_path / "test" / "cat" / "x.png", picture(2)), folder / "dog" / "wrong.png")
    save(tmp_path / "test" / "dog" / "y.jpg", picture(11))
    save(tmp_path / "test" / "dog" / "z.png", picture(99))
    found = check(folder, test=tmp_path / "test")
    assert names(found, "leak") == ["cat/2.png", "dog/wrong.png"]
    assert found.of("leak")[1].text == "test, class cat; here dog"
    assert names(found, "leak-near") == ["dog/1.png"]
    assert found.counts == {"training": 16 + 1, "test": 3}


def test_zips_whose_members_have_the_same_names(tmp_path: Path) -> None:
    for name, seeds in (("train", range(8)), ("test", range(20, 28))):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            for number, seed in enumerate(seeds):
                image = picture(3, size=60) if name == "test" and number == 5 else picture(seed)
                archive.write(save(tmp_path / "x.png", image), f"{'ab'[number % 2]}/{number}.png")
    found = check(tmp_path / "train.zip", test=tmp_path / "test.zip")
    assert [(f.split, f.file, f.other) for f in found.found] == [
        ("training", "b/3.png", f"{tmp_path / 'test.zip'}: b/5.png")
    ]


def test_splits_within_one_folder_or_zip(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    folder.rename(tmp_path / "all" / "train")
    save(tmp_path / "all" / "val" / "cat" / "1.png", picture(1))
    save(tmp_path / "all" / "val" / "dog" / "n.png", picture(50))
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for path in sorted((tmp_path / "all").rglob("*.png")):
            archive.write(path, path.relative_to(tmp_path))
    for place in (tmp_path / "all", tmp_path / "all.zip"):
        found = check(place)
        assert found.counts == {"training": 16, "validation": 2}
        assert names(found, "leak") == ["cat/1.png"]


def test_images_that_show_nothing(folder: Path) -> None:
    save(folder / "cat" / "grey.png", Image.new("RGB", (48, 48), (90, 90, 90)))
    save(folder / "cat" / "white.jpg", Image.new("RGB", (48, 48), "white"))
    save(folder / "dog" / "dot.png", picture(77, size=5))
    found = check(folder)
    assert names(found, "one-colour") == ["cat/grey.png", "cat/white.jpg"]
    assert names(found, "tiny") == ["dog/dot.png"]


def test_eight_pixels_are_no_fault_where_all_have_them(tmp_path: Path) -> None:
    for number in range(12):
        save(tmp_path / "d" / "ab"[number % 2] / f"{number}.png", picture(number, size=8))
    save(tmp_path / "d" / "a" / "near.jpg", picture(2, size=8))
    found = check(tmp_path / "d")
    assert found.found == []
    assert "13 images of less than 16 pixels a side were not compared: too many look alike" in found.notes


def test_splits_that_would_be_classes(tmp_path: Path) -> None:
    for number, name in enumerate(("train", "test", "extra")):
        save(tmp_path / "d" / name / f"only-{name}" / "a.png", picture(number))
        save(tmp_path / "d" / name / f"only-{name}" / "b.png", picture(10 + number))
    assert [f.text for f in check(tmp_path / "d").of("split-as-class")] == ["test, 2 images", "train, 2 images"]
    for number, name in enumerate(("entrenamiento", "prueba")):
        save(tmp_path / "e" / name / "gato" / "a.png", picture(number))
        save(tmp_path / "e" / name / "perro" / "b.png", picture(10 + number))
    said = check(tmp_path / "e").of("split-as-class")
    assert [f.text for f in said] == ["all of entrenamiento, prueba hold the folders gato, perro"]


def test_a_class_of_trains_is_no_split(folder: Path) -> None:
    (folder / "dog").rename(folder / "train")
    assert check(folder, "classification").of("split-as-class") == []


def test_classes_and_files_that_are_odd(folder: Path, tmp_path: Path) -> None:
    for number in range(60):
        save(folder / "cat" / f"more{number}.png", picture(100 + number))
    (folder / "dog" / "x.heic").write_bytes(b"....ftypheic")
    (folder / "dog" / "notes.txt").write_text("mine")
    (folder / "dog" / "gone.png").symlink_to(tmp_path / "nowhere")
    for number in range(7):
        (folder / "dog" / f"{number}.png").unlink()
    save(tmp_path / "val" / "bird" / "b.png", picture(500))
    found = check(folder, validation=tmp_path / "val")
    assert [f.text for f in found.of("imbalance")] == ["dog has 1 images, cat has 68"]
    assert [f.text for f in found.of("unread")] == ["1 .heic, 1 broken link"]
    assert [f.text for f in found.of("unknown-class")] == ["bird, 1 images"]


def test_a_table_of_images_is_told_from_one_of_texts(folder: Path) -> None:
    rows = "".join(f"{path},{path.parent.name}\n" for path in sorted(folder.rglob("*.png")))
    (folder / "list.csv").write_text(rows)
    assert check(folder / "list.csv").items == "images"
    (folder / "named.csv").write_text("image,label\n" + rows)
    assert check(folder / "named.csv").items == "images"
    (folder / "texts.csv").write_text("".join(f"A dog {i},Ein Hund {i}\n" for i in range(30)))
    assert check(folder / "texts.csv").items == "pairs"


def test_what_cannot_be_looked_at_is_one_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RecipeError, match="training images are in 2 places"):
        check([folder, folder], "classification")
    with pytest.raises(DataError, match="no such file"):
        check(folder / "nothing", "classification")
    shutil.rmtree(folder / "cat")
    with pytest.raises(DataError, match=r"has one class only \('dog'\)"):
        check(folder)
    monkeypatch.setitem(__import__("sys").modules, "imagehash", None)
    save(folder / "cat" / "1.png", picture(1))
    with pytest.raises(RecipeError, match=r"needs imagehash: pip install 'patchword\[check\]'"):
        check(folder)
