"""Cleaned images are a table or a zip that training reads, without what is harmful; the originals stay."""

import os
import shutil
import zipfile
from pathlib import Path

import pytest

from patchword.checking import check
from patchword.errors import DataError
from patchword.images.dataset import read_dataset, read_splits
from tests.images.checks.test_looking import folder, picture, save

__all__ = ["folder"]


@pytest.fixture
def spoiled(folder: Path) -> Path:
    """With a broken image, a copy, and one in two classes."""
    (folder / "cat" / "broken.jpg").write_bytes(b"no picture")
    shutil.copy(folder / "cat" / "1.png", folder / "cat" / "copy.png")
    shutil.copy(folder / "cat" / "2.png", folder / "dog" / "two.png")
    save(folder / "dog" / "near.jpg", picture(14))
    return folder


LEFT = [f"cat/{i}.png" for i in (0, 1, 3, 4, 5, 6, 7)] + [f"dog/{i}.png" for i in range(8)] + ["dog/near.jpg"]


def left(path: Path) -> list[str]:
    return sorted("/".join(Path(name).parts[-2:]) for name in read_dataset(path).names)


def test_of_a_folder_a_table_is_written_and_nothing_copied(spoiled: Path, tmp_path: Path) -> None:
    before = sorted(spoiled.rglob("*"))
    found = check(spoiled, fix=tmp_path / "out")
    assert found.written["training"] == ([tmp_path / "out" / "training.csv"], len(LEFT))
    assert left(tmp_path / "out" / "training.csv") == LEFT
    assert read_dataset(tmp_path / "out" / "training.csv").classes == ("cat", "dog")
    assert sorted(spoiled.rglob("*")) == before


def test_what_is_only_nearly_the_same_goes_if_it_is_named(spoiled: Path, tmp_path: Path) -> None:
    check(spoiled, fix=tmp_path / "out", drop=["near-duplicates"])
    assert left(tmp_path / "out" / "training.csv") == LEFT[:-1]


def test_a_zip_stays_one(spoiled: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for path in sorted(spoiled.rglob("*.*")):
            archive.write(path, path.relative_to(spoiled))
    check(tmp_path / "a.zip", fix=tmp_path / "out")
    assert left(tmp_path / "out" / "training.zip") == LEFT
    with zipfile.ZipFile(tmp_path / "out" / "training.zip") as archive:
        assert archive.read("cat/3.png") == (spoiled / "cat" / "3.png").read_bytes()


def test_splits_of_one_folder_stay_splits_and_test_images_whole(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    folder.rename(tmp_path / "all" / "train")
    for split, seed in (("val", 2), ("test", 3)):
        save(tmp_path / "all" / split / "cat" / "x.png", picture(seed))
        save(tmp_path / "all" / split / "cat" / "same.png", picture(seed))
        save(tmp_path / "all" / split / "dog" / "y.png", picture(60 + seed))
    check(tmp_path / "all", fix=tmp_path / "out")
    splits = read_splits(tmp_path / "out" / "training.csv")
    assert {name: len(data) for name, data in splits.items()} == {"training": 14, "validation": 2, "test": 3}


@pytest.mark.skipif(os.name != "posix", reason="names elsewhere are text")
def test_names_that_no_table_can_hold_are_one_sentence(folder: Path, tmp_path: Path) -> None:
    picture(70).save(os.fsdecode(os.fsencode(folder / "cat") + b"/caf\xe9.png"))
    with pytest.raises(DataError, match="has paths with bytes that are not UTF-8"):
        check(folder, fix=tmp_path / "out")
    assert not (tmp_path / "out").exists()
