"""What folders, names and links mean."""

import os
import shutil
import unicodedata
import zipfile
from pathlib import Path

import pytest

from patchword.errors import DataError
from patchword.images.dataset import class_counts, described_classes, read_dataset, read_splits, training_data
from patchword.images.formats import FORMATS
from patchword.images.layout import TEST, TRAIN, VALIDATION, WHOLE, role_of
from patchword.images.listing import list_folder
from tests.fuzz.pictures import saved

PICTURE = saved("PNG", "RGB").content


def made(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(PICTURE)
    return folder


def zipped(folder: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.rglob("*.*")):
            archive.write(path, path.relative_to(folder).as_posix())
    return target


@pytest.mark.parametrize("root", ["", "all/photos/"])
@pytest.mark.parametrize("train", ["train", "Training", "seg_train"])
@pytest.mark.parametrize("held", ["val", "valid", "validation", "dev"])
def test_folders_named_after_splits_are_splits(tmp_path: Path, root: str, train: str, held: str) -> None:
    names = [f"{root}{part}/{kind}/{i}.png" for part in (train, held) for kind in ("cat", "dog") for i in range(2)]
    folder = made(tmp_path / "d", *names, f"{root}TEST/cat/1.png")
    for path in (folder, zipped(folder, tmp_path / "d.zip")):
        splits = read_splits(path)
        assert {role: class_counts(data) for role, data in splits.items()} == {
            TRAIN: {"cat": 2, "dog": 2},
            VALIDATION: {"cat": 2, "dog": 2},
            TEST: {"cat": 1},
        }
        used, validation = training_data(path, 0.5, seed=1)
        assert len(used) == len(validation) == 4
        assert not set(used.names) & set(validation.names)
        assert any(f"took the folder {train} of" in note for note in used.notes)
        assert class_counts(read_dataset(path, TEST, fewest=1)) == {"cat": 1}
        assert used.open(0).size == (21, 14)


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    data = read_dataset(made(tmp_path / "d", "train/1.png", "car/1.png", "test/1.png"))
    assert data.classes == ("car", "test", "train")
    nested = read_dataset(made(tmp_path / "e", "train/steam/1.png", "train/diesel/1.png", "car/1.png"))
    assert nested.classes == ("car", "train")


def test_splits_without_classes_are_refused_and_pictures_without_a_class_are_left_out(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="train and val hold pictures, but no folder a class"):
        read_splits(made(tmp_path / "d", "train/1.png", "val/1.png"))
    folder = made(tmp_path / "e", "train/cat/1.png", "train/dog/1.png", "test/1.png")
    data = read_dataset(folder)
    assert data.classes == ("cat", "dog")
    assert f"left out the folder test of {folder}, which is beside splits: 1 images" in data.notes
    with pytest.raises(DataError, match="holds test and validation data, but no training data"):
        read_dataset(made(tmp_path / "f", "val/cat/1.png", "val/dog/1.png", "test/cat/1.png"))


def test_splits_inside_the_classes_are_splits(tmp_path: Path) -> None:
    folder = made(tmp_path / "d", "cat/train/1.png", "cat/test/2.png", "dog/train/1.png", "dog/train/2.png")
    for path in (folder, zipped(folder, tmp_path / "d.zip")):
        splits = read_splits(path)
        assert {role: class_counts(data) for role, data in splits.items()} == {
            TRAIN: {"cat": 1, "dog": 2},
            TEST: {"cat": 1},
        }
        assert splits[TRAIN].notes == (
            f"took the folders test and train in the classes of {path} for splits: 1 test, 3 training images",
        )
    data = read_dataset(made(folder, "bird/1.png"))
    assert class_counts(data) == {"bird": 1, "cat": 2, "dog": 2}
    assert data.notes == (f"folders named test and train below some classes of {folder} are not taken for splits",)


def test_splits_may_have_a_name_in_common_or_in_another_language(tmp_path: Path) -> None:
    names = [f"{part}/{kind}/1.png" for part in ("pets-train", "pets-val") for kind in ("cat", "dog")]
    assert set(read_splits(made(tmp_path / "d", *names))) == {TRAIN, VALIDATION}
    names = [f"{part}/{kind}/1.png" for part in ("Entrenamiento", "Prueba") for kind in ("cat", "dog")]
    (note,) = read_dataset(made(tmp_path / "e", *names)).notes
    assert "are taken for classes, though all hold the same folders, such as cat" in note
    assert read_dataset(made(tmp_path / "f", "steam train/a/1.png", "freight train/a/1.png")).notes == ()


def test_what_is_beside_splits_is_said_and_a_split_that_would_vanish_is_an_error(tmp_path: Path) -> None:
    folder = made(tmp_path / "d", "train/cat/1.png", "train/dog/1.png", "cover.png")
    (folder / "test").mkdir()
    notes = read_dataset(folder).notes
    assert f"left out 1 images that are beside the splits of {folder}" in notes
    assert f"left out the folder test of {folder}: it is empty" in notes
    (folder / "test" / "cat").mkdir()
    (folder / "test" / "cat" / "1.heic").write_bytes(b"\0\0\0\x18ftypheic")
    with pytest.raises(DataError, match=r"d: the folder test has no image that can be read, but 1 \.heic; convert"):
        read_dataset(folder)


def test_what_systems_leave_behind_is_no_picture(tmp_path: Path) -> None:
    litter = ("cat/@eaDir/1.png/SYNOPHOTO_THUMB_M.jpg", "$RECYCLE.BIN/1.png", "__MACOSX/cat/._1.png", "cat/.1.png")
    assert class_counts(read_dataset(made(tmp_path / "d", "cat/1.png", "dog/1.png", *litter))) == {"cat": 1, "dog": 1}


def test_roles_are_words_and_not_parts_of_words() -> None:
    assert [role_of(name) for name in ("train_images", "Validation Set", "test2017", "VAL")] == [
        TRAIN,
        VALIDATION,
        TEST,
        VALIDATION,
    ]
    assert [role_of(name) for name in ("trainers", "steam train", "contest", "images", "train_test")] == [None] * 5


def test_links_are_followed_and_circles_end(tmp_path: Path) -> None:
    folder = made(tmp_path / "d", "cat/1.png")
    made(tmp_path / "elsewhere", "1.png", "2.png")
    (folder / "dog").symlink_to(tmp_path / "elsewhere")
    (folder / "cat" / "again").symlink_to(folder)
    (folder / "cat" / "gone.png").symlink_to(tmp_path / "nothing.png")
    data = read_dataset(folder)
    assert class_counts(data)["dog"] == 2
    assert "left out of cat: 1 broken link, 1 link that leads in a circle" in data.notes
    for one in "abcdefgh":
        (tmp_path / "web" / one).mkdir(parents=True)
        for two in "abcdefgh":
            (tmp_path / "web" / one / two).symlink_to(tmp_path / "web" / two)
    assert list_folder(tmp_path / "web").pictures == []


def test_pictures_are_read_whatever_their_suffix_and_others_are_counted(tmp_path: Path) -> None:
    folder = made(tmp_path / "d", "cat/a.jpe", "cat/b", "cat/c.data", "dog/a.png")
    (folder / "cat" / "notes.txt").write_text("P1 of the notes")
    (folder / "cat" / "d.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0")
    os.mkfifo(folder / "dog" / "pipe.png")
    if "AVIF" in FORMATS:
        (folder / "dog" / "b.avif").write_bytes(saved("AVIF", "RGB").content)
    data = read_dataset(folder)
    assert class_counts(data) == {"cat": 3, "dog": 2 if "AVIF" in FORMATS else 1}
    assert data.open(1).size == (21, 14)
    assert "left out of cat: 1 .heic, 1 .txt" in data.notes
    assert "left out of dog: 1 device or pipe" in data.notes


def test_a_class_that_would_vanish_is_an_error_or_said(tmp_path: Path) -> None:
    folder = made(tmp_path / "d", "cat/1.png", "dog/1.png")
    (folder / "bird").mkdir()
    (folder / "docs").mkdir()
    (folder / "docs" / "a.txt").write_text("words")
    notes = read_dataset(folder).notes
    assert notes == ("left out of bird, which is no class: it is empty", "left out of docs, which is no class: 1 .txt")
    (folder / "bird" / "1.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    with pytest.raises(DataError, match=r"class 'bird' has no image that can be read, but 1 \.heic; convert them"):
        read_dataset(folder)


def test_names_that_are_equal_are_one_class_however_they_are_written(tmp_path: Path) -> None:
    composed, apart = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    data = read_dataset(made(tmp_path / "d", f"{composed}/1.png", f"{apart}/2.png", "tea/1.png"))
    assert class_counts(data) == {composed: 2, "tea": 1}
    assert data.with_classes(("tea", apart)).labels == (1, 1, 0)


def test_a_zip_made_on_windows_has_its_classes(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("pets\\cat\\1.png", "pets\\dog\\1.png"):
            info = zipfile.ZipInfo("x")
            info.filename = name
            info.create_system = 0
            archive.writestr(info, PICTURE)
    data = read_dataset(tmp_path / "a.zip")
    assert data.classes == ("cat", "dog")
    assert data.open(1).size == (21, 14)


@pytest.mark.parametrize(("name", "encoding"), [("猫咪", "gbk"), ("Käse", "cp437"), ("été", "cp437"), ("猫", "utf-8")])
def test_names_in_a_zip_are_read_in_the_code_page_that_they_have(tmp_path: Path, name: str, encoding: str) -> None:
    holder = "".join("Q" for _ in name.encode(encoding))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(f"{holder}/1.png", PICTURE)
        archive.writestr("other/1.png", PICTURE)
    content = (tmp_path / "a.zip").read_bytes().replace(f"{holder}/".encode(), name.encode(encoding) + b"/")
    (tmp_path / "a.zip").write_bytes(content)
    data = read_dataset(tmp_path / "a.zip")
    assert set(data.classes) == {name, "other"}
    assert {data.open(i).size for i in range(2)} == {(21, 14)}


def test_many_classes_are_described_in_few_words(tmp_path: Path) -> None:
    folder = made(tmp_path / "d", *(f"class{i:02d}/1.png" for i in range(30)), "a\x1b[31m/1.png")
    text = described_classes(read_dataset(folder))
    assert text.startswith(r"a\x1b[31m 1, class00 1, ")
    assert text.endswith(" and 11 more")


def test_data_without_splits_is_whole(tmp_path: Path) -> None:
    folder = made(tmp_path / "d", "cat/1.png", "dog/1.png")
    assert list(read_splits(folder)) == [WHOLE]
    shutil.rmtree(folder / "dog")
    assert class_counts(read_dataset(folder, TEST, fewest=1)) == {"cat": 1}
