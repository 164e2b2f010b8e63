import zipfile
from pathlib import Path

import pytest

from patchword.errors import DataError
from patchword.images.dataset import class_counts, hold_out, read_dataset


def zipped(folder: Path, target: Path, prefix: str = "") -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.rglob("*.png")):
            archive.write(path, prefix + path.relative_to(folder).as_posix())
        archive.writestr("__MACOSX/red/._00.png", "rubbish")
    return target


def test_folder_zip_and_csv_hold_the_same_images(photos: Path, tmp_path: Path) -> None:
    rows = [f"photos/{p.parent.name}/{p.name},{p.parent.name}" for p in sorted(photos.rglob("*.png"))]
    table = tmp_path / "photos.csv"
    table.write_text("path,label\n" + "\n".join(rows) + "\n")
    zips = [zipped(photos, tmp_path / "a.zip"), zipped(photos, tmp_path / "b.zip", prefix="outer/inner/")]
    wanted = read_dataset(photos)
    assert wanted.classes == ("blue", "green", "red")
    assert class_counts(wanted) == {"blue": 20, "green": 20, "red": 20}
    for path in [*zips, table]:
        found = read_dataset(path)
        assert (found.classes, found.labels) == (wanted.classes, wanted.labels)
        for index in (0, 25, 59):
            assert found.open(index).tobytes() == wanted.open(index).tobytes()


def test_hidden_files_and_other_files_are_no_images(photos: Path) -> None:
    (photos / "red" / ".hidden.png").write_text("")
    (photos / "red" / "notes.txt").write_text("")
    assert len(read_dataset(photos)) == 60


def test_what_is_wrong_is_said_with_the_name(photos: Path, tmp_path: Path) -> None:
    def problem(path: Path) -> str:
        with pytest.raises(DataError) as caught:
            read_dataset(path)
        return str(caught.value)

    (tmp_path / "empty").mkdir()
    assert (
        problem(tmp_path / "empty")
        == f"{tmp_path}/empty: holds no images; expected a folder a class with image files in it"
    )
    assert problem(tmp_path / "nothing").endswith("nothing: no such file or folder")
    assert "is in no class folder; expected red/CLASS/00.png" in problem(photos / "red")
    (tmp_path / "one" / "cat").mkdir(parents=True)
    (photos / "red" / "00.png").rename(tmp_path / "one" / "cat" / "00.png")
    assert problem(tmp_path / "one").endswith("has one class only ('cat'); at least two are needed")
    (tmp_path / "x.zip").write_text("no zip")
    assert "x.zip: not a whole zip file" in problem(tmp_path / "x.zip")
    (tmp_path / "x.csv").write_text("path,label\nphotos/red/01.png,red\nphotos/red/02.png\n")
    assert "x.csv, line 3: expected path,label, found 'photos/red/02.png'" in problem(tmp_path / "x.csv")
    (tmp_path / "y.csv").write_text("photos/red/99.png,red\n")
    assert "y.csv, line 1: no such image" in problem(tmp_path / "y.csv")
    (tmp_path / "z.txt").write_text("")
    assert "z.txt: expected a folder" in problem(tmp_path / "z.txt")


def test_validation_has_its_share_of_every_class_and_nothing_of_the_training(photos: Path) -> None:
    data = read_dataset(photos)
    train, held = hold_out(data, 0.2, seed=1)
    assert class_counts(held) == {"blue": 4, "green": 4, "red": 4}
    assert not set(train.names) & set(held.names)
    assert set(train.names) | set(held.names) == set(data.names)
    assert hold_out(data, 0.2, seed=1)[1].names == held.names
    assert hold_out(data, 0.2, seed=2)[1].names != held.names
    for path in sorted((photos / "red").iterdir())[1:]:
        path.unlink()
    with pytest.raises(DataError, match="class 'red' has one image"):
        hold_out(read_dataset(photos), 0.2, seed=1)


def test_a_models_classes_decide_the_labels(photos: Path) -> None:
    data = read_dataset(photos).with_classes(("red", "yellow", "green", "blue"))
    assert data.labels[0] == 3
    assert data.labels[-1] == 0
    with pytest.raises(DataError, match="class 'green' is unknown to the model; did you mean 'greens'"):
        read_dataset(photos).with_classes(("blue", "greens", "red"))


def test_cifar10_reads_from_its_zip(cifar10: Path) -> None:
    data = read_dataset(cifar10 / "test.zip")
    assert len(data) == 5000
    assert len(data.classes) == 10
    assert data.open(17).size == (32, 32)
