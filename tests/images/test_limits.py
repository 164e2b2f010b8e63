"""Small files that would take much, files that are none, and numbers out of range."""

import os
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from patchword.errors import DataError, RecipeError
from patchword.images import archive, colours, files
from patchword.images.dataset import read_dataset
from patchword.images.files import FORMATS, allowed_pixels, alone, as_rgb, open_image
from patchword.images.recipe import ClassificationData
from patchword.images.transforms import Preprocessing
from tests.fuzz.pictures import MODES, chunk, plain, saved


def test_a_large_jpeg_is_decoded_at_a_part_of_its_size(tmp_path: Path) -> None:
    Image.new("RGB", (1200, 900), (200, 10, 10)).save(tmp_path / "a.jpg")
    assert open_image(tmp_path / "a.jpg", max_pixels=300_000).size == (600, 450)
    assert open_image(tmp_path / "a.jpg", max_pixels=70_000).size == (300, 225)
    with pytest.raises(DataError, match=r"a\.jpg: has 1200 x 900 pixels, more than the 5,000 that are allowed"):
        open_image(tmp_path / "a.jpg", max_pixels=5_000)


def test_a_limit_may_be_higher_than_pillows_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("L", (40, 30)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert open_image(tmp_path / "a.png").size == (40, 30)
    assert allowed_pixels(None) == files.MAX_PIXELS
    with pytest.raises(RecipeError, match="max_pixels = 3: expected 65,536 to"):
        allowed_pixels(3)


def test_a_picture_of_one_long_row_is_resized_in_little_memory() -> None:
    thread = Image.new("RGB", (3_000_000, 1), (10, 20, 30))
    for resize in ("squash", "pad"):
        steps = Preprocessing.parse({"image_size": [8, 8], "resize": resize}, "here")
        assert steps.pixels(thread)[:, 3, 4].tolist() == [10, 20, 30]


def test_large_pictures_are_converted_and_turned_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    for kind, mode in [(kind, mode) for kind, modes in MODES.items() for mode in modes if kind in FORMATS]:
        for orientation in (1, int(generator.integers(2, 9))):
            exif = Image.Exif()
            exif[0x0112] = orientation
            content = saved(kind, mode, exif=exif).content
            monkeypatch.setattr(colours, "PIECE", 2**22)
            whole = open_image(content)
            monkeypatch.setattr(colours, "PIECE", 50)
            pieces = open_image(content)
            assert (pieces.mode, pieces.size, pieces.tobytes()) == ("RGB", whole.size, whole.tobytes()), (kind, mode)


def test_a_callers_image_stays_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(colours, "PIECE", 50)
    for mode in ("RGB", "RGBA", "L", "I;16", "CMYK"):
        image = plain(mode)
        before = image.tobytes()
        assert as_rgb(image).size == image.size
        assert image.tobytes() == before


def test_a_tiff_without_all_its_rows_is_damaged(tmp_path: Path) -> None:
    content = bytearray(saved("TIFF", "RGB").content)
    (start,) = struct.unpack_from("<I", content, 4)
    place = content.index(struct.pack("<HH", 257, 4), start) if struct.pack("<HH", 257, 4) in content else 0
    place = place or content.index(struct.pack("<HH", 257, 3), start)
    struct.pack_into("<HHII", content, place, 257, 4, 1, 1_000_000)
    with pytest.raises(DataError, match="damaged: it has 294 of its 21 x 1000000 pixels"):
        open_image(bytes(content))


def test_transparent_greys_of_every_depth_are_white() -> None:
    for bits, kind in ((1, "1"), (2, "L"), (4, "L"), (8, "L"), (16, "I;16")):
        levels = 2**bits
        rows = (np.arange(4) * (levels - 1) // 3).astype(">u2")
        if bits == 16:
            raw = b"\0" + rows.tobytes()
        else:
            packed = sum(int(v) << (64 - bits * (i + 1)) for i, v in enumerate(rows)).to_bytes(8, "big")
            raw = b"\0" + packed[: -(-4 * bits // 8)]
        content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 1, bits, 0, 0, 0, 0))
        content += chunk(b"tRNS", struct.pack(">H", int(rows[0]))) + chunk(b"IDAT", zlib.compress(raw))
        found = np.asarray(open_image(content + chunk(b"IEND", b"")))[0, :, 0]
        opaque = [round(255 * int(v) / (levels - 1)) for v in rows]
        wanted = [255 if v == rows[0] else level for v, level in zip(rows, opaque, strict=True)]
        assert np.abs(found.astype(int) - wanted).max() <= 1, kind


@pytest.mark.parametrize(
    "error", [MemoryError(), RecursionError("deep"), ZeroDivisionError("x\x1b[31m"), OSError(5, "I/O")]
)
def test_whatever_is_raised_for_one_image_is_its_error(error: Exception) -> None:
    with pytest.raises(DataError, match=r"^photo: ") as caught, alone("photo"):
        raise error
    assert str(caught.value).isprintable()


def test_an_interruption_is_no_images_error() -> None:
    with pytest.raises(KeyboardInterrupt), alone("photo"):
        raise KeyboardInterrupt


def test_pipes_and_devices_are_never_opened(tmp_path: Path) -> None:
    for name in ("a.png", "a.csv", "a.zip"):
        os.mkfifo(tmp_path / name)
    with pytest.raises(DataError, match=r"a\.png: is a device or a pipe"):
        open_image(tmp_path / "a.png")
    for name in ("a.csv", "a.zip"):
        with pytest.raises(DataError, match=f"{name}: is a device or a pipe"):
            read_dataset(tmp_path / name)
    with pytest.raises(DataError, match="/dev/zero: is a device"):
        open_image(Path("/dev/zero"))


def test_a_member_is_no_larger_than_a_file_may_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("a/zeros.png", bytes(3_000_000))
        made.writestr("b/b.png", saved("PNG", "RGB").content)
    data = read_dataset(tmp_path / "a.zip")
    with pytest.raises(DataError, match=r"a\.zip: a/zeros\.png: not an image"):
        data.open(0)
    monkeypatch.setattr(archive, "MAX_BYTES", 2_000_000)
    with pytest.raises(DataError, match=r"a/zeros\.png: has 3,000,000 bytes, more than the 2,000,000"):
        data.open(0)
    assert data.open(1).size == (21, 14)


def test_a_zip_of_an_unknown_version_or_with_a_password_is_one_sentence(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        for name in ("a/1.png", "b/1.png"):
            made.writestr(name, saved("PNG", "RGB").content)
    content = bytearray((tmp_path / "a.zip").read_bytes())
    place = content.index(b"PK\x01\x02")
    content[place + 6] = 99
    (tmp_path / "version.zip").write_bytes(content)
    with pytest.raises(DataError, match=r"version\.zip: a zip that cannot be read: .*9\.9"):
        read_dataset(tmp_path / "version.zip")
    content[place + 6] = 20
    content[place + 8] |= 1
    (tmp_path / "half.zip").write_bytes(content)
    with pytest.raises(DataError, match=r"half\.zip: a/1\.png: cannot be read: it is encrypted"):
        read_dataset(tmp_path / "half.zip").open(0)
    content[content.index(b"PK\x01\x02", place + 4) + 8] |= 1
    (tmp_path / "locked.zip").write_bytes(content)
    with pytest.raises(DataError, match=r"locked\.zip: is encrypted"):
        read_dataset(tmp_path / "locked.zip")


@pytest.mark.parametrize(
    "values",
    [
        {"image_size": [20_000, 20_000]},
        {"image_size": [0, 4]},
        {"image_size": [10**30, 4]},
        {"crop_fraction": 1e-300},
        {"crop_fraction": float("nan")},
        {"std": [1e-300, 1, 1]},
        {"mean": [float("inf"), 0, 0]},
    ],
)
def test_every_number_of_the_preprocessing_has_a_range(values: dict[str, object]) -> None:
    with pytest.raises(RecipeError, match=f"here: {next(iter(values))}.* = .*input should be"):
        Preprocessing.parse(values, "here")


def test_the_extremes_of_the_ranges_work() -> None:
    image = Image.new("RGB", (30, 20), (1, 2, 3))
    for values in ({"crop_fraction": 0.01}, {"image_size": [1, 1]}, {"image_size": [4096, 1]}):
        steps = Preprocessing.parse({"image_size": [8, 8], **values}, "here")
        assert steps.pixels(image).shape == (3, *steps.image_size)


@pytest.mark.parametrize(
    "values", [{"hold_out": 1.0}, {"hold_out": float("nan")}, {"max_pixels": 0}, {"max_pixels": 2**70}]
)
def test_every_number_of_the_data_has_a_range(values: dict[str, object]) -> None:
    with pytest.raises(RecipeError, match=f"here: {next(iter(values))}"):
        ClassificationData.parse({"train": ["x"], **values}, "here")
