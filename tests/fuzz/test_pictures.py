"""Pictures whose metadata is odd are read as they are; damaged ones are read, or are one sentence with their name."""

import time
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from patchword.errors import DataError
from patchword.images.files import open_image
from patchword.images.transforms import Preprocessing
from tests.fuzz.pictures import Picture, bare, damaged, with_metadata, with_odd_metadata
from tests.fuzz.share import cases
from tests.memory import peak_memory

SLOWEST = 20.0  # seconds
MOST = 2 * 2**30  # bytes of the process, unless other tests made it larger


def pixels(content: bytes, name: str) -> NDArray[np.uint8]:
    return np.asarray(open_image(content, name))


def turns(image: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """The eight ways to hold a picture: damaged metadata may say another than the one that was meant."""
    for turned in (image, image.transpose(1, 0, 2)):
        for rows in (1, -1):
            for columns in (1, -1):
                yield turned[::rows, ::columns]


def test_odd_metadata_hides_no_pixel(capfd: pytest.CaptureFixture[str]) -> None:
    before = peak_memory()
    pictures = [picture for picture in bare() if picture.kind not in ("PPM", "AVIF")]
    wanted = {id(picture): pixels(picture.content, "whole") for picture in pictures}
    for draw in cases(20_000, seed=1):
        picture = draw.choice(pictures)
        found = pixels(with_odd_metadata(draw, picture), f"odd.{picture.kind}")
        assert any(np.array_equal(found, turned) for turned in turns(wanted[id(picture)])), picture.kind
    assert capfd.readouterr().err == ""
    assert peak_memory() <= max(before, MOST)


def test_a_damaged_picture_is_a_picture_or_one_sentence_with_its_name(capfd: pytest.CaptureFixture[str]) -> None:
    before = peak_memory()
    pictures, preprocessing = [*bare(), *with_metadata()], Preprocessing(image_size=(16, 16), resize="squash")
    for draw in cases(100_000, seed=2):
        picture = draw.choice(pictures)
        check(damaged(draw, picture.content), picture, preprocessing)
    assert capfd.readouterr().err == ""
    assert peak_memory() <= max(before, MOST)


def check(content: bytes, picture: Picture, preprocessing: Preprocessing) -> None:
    name, started, problem = f"a damaged.{picture.kind}", time.monotonic(), ""
    try:
        assert preprocessing.pixels(open_image(content, name)).shape == (3, 16, 16)
    except DataError as error:
        problem = str(error)
    assert problem == "" or (problem.startswith(f"{name}: ") and problem.isprintable())
    assert time.monotonic() - started < SLOWEST
