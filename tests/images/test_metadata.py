"""Metadata decides nothing but which way is up."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from patchword.errors import DataError
from patchword.images.files import open_image
from patchword.images.orientation import exif_orientation, orientation_of
from tests.fuzz.pictures import chunk, plain, saved


def with_chunk(content: bytes, extra: bytes) -> bytes:
    place = content.index(b"IDAT") - 4
    return content[:place] + extra + content[place:]


PNG = saved("PNG", "RGB").content
BROKEN = {
    "EXIF that is none": chunk(b"eXIf", b"II*\0 nothing"),
    "EXIF with a wrong checksum": chunk(b"eXIf", b"II*\0\x08\0\0\0", 1),
    "a profile that is none": chunk(b"iCCP", b"icc\0\0nothing"),
    "a text of many megabytes": chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(80_000_000))),
    "a size of nothing": chunk(b"pHYs", b""),
    "a length beyond the end": struct.pack(">I", 2**31 - 5) + b"tEXt" + b"words",
}


@pytest.mark.parametrize("damage", BROKEN)
def test_a_png_with_damaged_metadata_has_all_its_pixels(damage: str) -> None:
    assert open_image(with_chunk(PNG, BROKEN[damage])).tobytes() == open_image(PNG).tobytes()


def test_a_png_without_all_its_pixels_is_damaged() -> None:
    cut = with_chunk(PNG, BROKEN["EXIF with a wrong checksum"])[: PNG.index(b"IDAT") + 60]
    with pytest.raises(DataError, match="photo: the image is damaged"):
        open_image(cut, "photo")


@pytest.mark.parametrize("options", [{}, {"restart_marker_rows": 1}, {"optimize": True}])
def test_a_jpeg_that_lacks_its_end_marker_alone_is_a_picture(options: dict[str, object]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    content = saved("JPEG", "RGB", exif=exif, **options).content
    for end in (content[:-1], content[:-2], content[:-2] + b"\0\0"):
        assert open_image(end).tobytes() == open_image(content).tobytes()
    for cut in (content[:-40], content[: content.rindex(b"\xff\xda") + 20]):
        with pytest.raises(DataError, match="photo: the image is damaged"):
            open_image(cut, "photo")


def test_a_progressive_jpeg_that_ends_early_is_damaged_as_later_scans_may_be_missing() -> None:
    content = saved("JPEG", "RGB", progressive=True).content
    for end in (2, 30, len(content) - content.index(b"\xff\xda", content.index(b"\xff\xda") + 2)):
        with pytest.raises(DataError, match="photo: the image is damaged"):
            open_image(content[:-end], "photo")


def test_an_orientation_beside_damage_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "a maker"
    buffer = io.BytesIO()
    plain("RGB").save(buffer, "PNG", exif=exif)
    turned = open_image(with_chunk(buffer.getvalue(), BROKEN["a profile that is none"]))
    assert turned.tobytes() == plain("RGB").transpose(Image.Transpose.ROTATE_270).tobytes()


def test_exif_is_read_as_far_as_it_goes() -> None:
    def block(order: str, kind: int, value: bytes, count: int = 1) -> bytes:
        head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, count)
        return b"Exif\0\0" + head + struct.pack(order + "HHI", 0x0112, kind, 1) + value

    assert exif_orientation(block("<", 3, b"\x06\0\0\0")) == 6
    assert exif_orientation(block(">", 3, b"\0\x08\0\0")) == 8
    assert exif_orientation(block("<", 3, b"\x03\0\0\0", count=60_000)) == 3
    assert exif_orientation(block("<", 2, b"6\0\0\0")) is None
    assert exif_orientation(b"rubbish") is None
    assert orientation_of({"exif": block("<", 3, b"\xff\xff\0\0")}) == 1
    assert orientation_of({"xmp": b'<x tiff:Orientation="8"/>'}) == 8


def test_a_tag_outside_of_a_tiff_hides_none_that_pixels_need(tmp_path: Path) -> None:
    """Pillow stops at the first one, so that floating-point greys would be taken for whole numbers."""
    content = saved("TIFF", "F").content
    (start,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, start)
    entries = [content[start + 2 + 12 * i : start + 14 + 12 * i] for i in range(count)]
    entries = sorted([*entries, struct.pack("<HHII", 305, 2, 500, 2**31)], key=lambda e: struct.unpack("<H", e[:2]))
    directory = struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)
    odd = content[:4] + struct.pack("<I", len(content)) + content[8:] + directory
    assert open_image(odd).tobytes() == open_image(content).tobytes()


def test_nothing_of_the_metadata_is_left_to_be_applied_twice() -> None:
    info = PngInfo()
    info.add_text("a", "b")
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    plain("RGB").save(buffer, "PNG", exif=exif, pnginfo=info)
    found = open_image(buffer.getvalue())
    assert found.info == {}
    assert dict(found.getexif()) == {}


def test_libraries_write_nothing_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    content = bytearray(saved("TIFF", "RGB", compression="tiff_lzw").content)
    content[8:40] = b"\xff" * 32
    with pytest.raises(DataError, match="a photo: "):
        open_image(bytes(content), "a photo")
    assert np.asarray(open_image(PNG)).shape == (14, 21, 3)
    assert capfd.readouterr().err == ""
