"""scikit-learn's digits as an image folder."""

from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from patchword.demo.digits import write_digits
from patchword.images.dataset import read_dataset


def numbers(folder: Path) -> set[str]:
    return {file.stem for file in folder.rglob("*.png")}


def test_three_quarters_are_to_train_on_and_the_rest_is_held_out(tmp_path: Path) -> None:
    train, held_out = write_digits(tmp_path)
    assert (len(numbers(train)), len(numbers(held_out))) == (1347, 450)
    assert not numbers(train) & numbers(held_out)


def test_every_digit_has_the_same_share_in_both(tmp_path: Path) -> None:
    for folder, share in zip(write_digits(tmp_path), (0.75, 0.25), strict=True):
        data = read_dataset(folder)
        assert data.classes == tuple("0123456789")
        assert np.abs(np.bincount(data.labels) - share * np.bincount(load_digits().target)).max() <= 1


def test_a_file_holds_the_digit_of_its_number_under_its_class(tmp_path: Path) -> None:
    train, _ = write_digits(tmp_path)
    digits = load_digits()
    for file in sorted(train.rglob("*.png"))[::200]:
        index = int(file.stem)
        assert file.parent.name == str(digits.target[index])
        levels = np.asarray(Image.open(file), dtype=float) / 255 * 16
        assert np.abs(levels - digits.images[index]).max() < 0.1


def test_the_seed_decides_and_another_one_leaves_nothing_of_the_earlier_split(tmp_path: Path) -> None:
    first = numbers(write_digits(tmp_path / "a", seed=1)[1])
    assert numbers(write_digits(tmp_path / "b", seed=1)[1]) == first
    train, held_out = write_digits(tmp_path / "a", seed=2)
    assert numbers(held_out) != first
    assert (len(numbers(train)), len(numbers(held_out))) == (1347, 450)
    assert not numbers(train) & numbers(held_out)
