import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from patchword.errors import DataError
from patchword.images import files
from patchword.images.files import open_image


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def grey_levels(levels: list[int], dtype: type) -> Image.Image:
    return Image.fromarray(np.array([levels], dtype=dtype))


RED = (255, 0, 0)
MODES: dict[str, Callable[[], tuple[bytes, tuple[int, int, int]]]] = {
    "palette": lambda: (saved(Image.new("RGB", (4, 4), RED).quantize(4), "PNG"), RED),
    "half transparent over white": lambda: (saved(Image.new("RGBA", (4, 4), (255, 0, 0, 127)), "PNG"), (255, 128, 128)),
    "transparent grey": lambda: (saved(Image.new("LA", (4, 4), (0, 0)), "PNG"), (255, 255, 255)),
    "transparent palette": lambda: (
        saved(Image.new("P", (4, 4), 0), "PNG", transparency=0),
        (255, 255, 255),
    ),
    "CMYK": lambda: (saved(Image.new("CMYK", (4, 4), (0, 255, 255, 0)), "TIFF"), RED),
    "one bit": lambda: (saved(Image.new("1", (4, 4), 1), "PNG"), (255, 255, 255)),
    "grey": lambda: (saved(Image.new("L", (4, 4), 77), "PNG"), (77, 77, 77)),
    "16 bits": lambda: (saved(grey_levels([32896] * 4, np.uint16), "PNG"), (128, 128, 128)),
    "floating point": lambda: (saved(grey_levels([0.5] * 4, np.float32), "TIFF"), (128, 128, 128)),
}


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_becomes_rgb_as_people_see_it(mode: str) -> None:
    content, wanted = MODES[mode]()
    image = open_image(content)
    assert image.mode == "RGB"
    assert image.getpixel((1, 0)) == pytest.approx(wanted, abs=1)


def test_16_bit_greys_are_scaled_not_cut_off() -> None:
    image = open_image(saved(grey_levels([0, 257, 32896, 65535], np.uint16), "PNG"))
    assert [image.getpixel((x, 0))[0] for x in range(4)] == [0, 1, 128, 255]


def test_exif_rotation_is_applied() -> None:
    image = Image.new("RGB", (4, 2), "white")
    image.putpixel((0, 0), RED)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it upright
    upright = open_image(saved(image, "PNG", exif=exif))
    assert upright.size == (2, 4)
    assert upright.getpixel((1, 0)) == RED


def test_an_animation_is_its_first_frame() -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in (RED, "blue")]
    assert open_image(saved(frames[0], "GIF", save_all=True, append_images=frames[1:])).getpixel((0, 0)) == RED


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    path = tmp_path / "bomb.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )
    with pytest.raises(DataError, match=r"bomb\.png: has .*100,000,000"):
        open_image(path)


def test_the_cap_holds_below_pillows_own_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_PIXELS", 15)
    with pytest.raises(DataError, match="image: has 4 x 4 pixels"):
        open_image(saved(Image.new("RGB", (4, 4)), "PNG"))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"])
def test_a_truncated_file_is_an_error_with_its_name(tmp_path: Path, kind: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    content = saved(Image.fromarray(pixels), kind)
    path = tmp_path / f"cut.{kind.lower()}"
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError) as caught:
        open_image(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_image_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("hello")
    with pytest.raises(DataError, match=r"a\.jpg: not an image"):
        open_image(tmp_path / "a.jpg")
    with pytest.raises(DataError, match="no such file"):
        open_image(tmp_path / "b.jpg")
    with pytest.raises(DataError, match="is a folder"):
        open_image(tmp_path)
