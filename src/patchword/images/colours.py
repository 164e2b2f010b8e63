"""Decoded images of any mode as people see them: 8-bit RGB, transparency over white."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from patchword.images.orientation import orientation_of, upright

PIECE = 2**22  # pixels that are converted at once

_Conversion = Callable[[Image.Image], Image.Image]  # of a piece, so that a large picture is never whole in two forms

_ALPHA = ("RGBA", "LA", "PA", "RGBa", "La")
_GREY_STEPS = {"L;2": 85, "L;4": 17}  # what Pillow multiplies greys of fewer bits by, but not the transparent one


def as_rgb(image: Image.Image) -> Image.Image:
    """A decoded image of any mode as `open_image` would give it: upright 8-bit RGB, transparency over white."""
    raw = raw_mode(image)
    image.load()
    # A TIFF is turned by Pillow when it is decoded; others may carry an orientation that somebody set on the object.
    try:
        orientation = int(image.getexif().get(0x0112, 1))
    except Exception:
        orientation = 1 if image.format == "TIFF" else orientation_of(image.info)
    return opaque(image, orientation, raw)


def raw_mode(image: Image.Image) -> str:
    """How the file of an image that was not yet decoded has its pixels, such as "L;4"; "" if that is not known."""
    tile = getattr(image, "tile", None)
    arguments = tile[0][3] if tile else ""
    if isinstance(arguments, tuple):
        arguments = arguments[0] if arguments else ""
    return arguments if isinstance(arguments, str) else ""


def opaque(image: Image.Image, orientation: int, raw: str = "", owned: bool = False) -> Image.Image:
    """8-bit RGB.

    Args:
        image: decoded.
        orientation: as in EXIF, 1 for upright.
        raw: how its file had the pixels; see `raw_mode`.
        owned: whether nobody else has the image, which is then closed as soon as its pixels are elsewhere.

    Returns:
        another image than `image`, which may share its pixels, without metadata.
    """
    convert = _conversion(image, raw)
    if image.width * image.height <= PIECE:
        result = upright(image if convert is None else convert(image), orientation)
    elif convert is None and orientation == 1:
        result = image
    else:
        # Bands of a byte a pixel, one after the other, since Pillow's RGB has four bytes a pixel.
        bands = _bands(image, convert)
        if owned:
            image.close()
        for index in range(len(bands)):
            bands[index] = upright(bands[index], orientation)
        result = Image.merge("RGB", bands) if len(bands) == 3 else bands[0]
    if result.mode != "RGB":
        result = result.convert("RGB")
    # The core image in an object of its own: no copy of the pixels, no open file, nothing that says "turn me".
    plain = result._new(result.im)
    plain.info = {}
    return plain


def _conversion(image: Image.Image, raw: str) -> _Conversion | None:
    """What makes a piece of the image opaque and 8-bit, grey or RGB; None if nothing needs to be done."""
    clear = image.info.get("transparency")
    if image.mode.startswith("I;16"):
        return partial(_halved_grey, clear)
    if image.mode in ("I", "F"):
        return partial(_scaled_grey, _white(image), clear)
    if image.mode == "1" and clear is not None:
        # Black is transparent: all is white; or white is, which it looks like anyway.
        return lambda piece: piece.convert("L") if clear else Image.new("L", piece.size, "white")
    if image.mode == "L" and isinstance(clear, int):
        return partial(_whitened, clear * _GREY_STEPS.get(raw, 1))
    if image.mode in _ALPHA or clear is not None:
        if raw == "RGB;16B" and isinstance(clear, tuple):
            clear = tuple(level >> 8 for level in clear)
        return partial(_over_white, clear)
    return None if image.mode in ("RGB", "L") else lambda piece: piece.convert("RGB")


def _bands(image: Image.Image, convert: _Conversion | None) -> list[Image.Image]:
    """The bands of the converted image, one or three, made piece by piece."""
    if convert is None:
        return list(image.split())
    bands: list[Image.Image] = []
    for box in _pieces(image):
        parts = convert(image.crop(box)).split()
        bands = bands or [Image.new("L", image.size) for _ in parts]
        for band, part in zip(bands, parts, strict=True):
            band.paste(part, box)
    return bands


def _pieces(image: Image.Image) -> Iterator[tuple[int, int, int, int]]:
    """Boxes of at most `PIECE` pixels that make up the image."""
    columns = min(image.width, PIECE)
    rows = max(1, PIECE // max(1, columns))
    for top in range(0, image.height, rows):
        for left in range(0, image.width, columns):
            yield left, top, min(image.width, left + columns), min(image.height, top + rows)


def _whitened(level: int, piece: Image.Image) -> Image.Image:
    """Greys of 8 bits with one of them, which is transparent, made white."""
    return piece.point([255 if value == level else value for value in range(256)])


def _over_white(clear: Any, piece: Image.Image) -> Image.Image:
    """Half transparent pixels blended with white; `clear` is which colour is transparent, None for none."""
    if clear != piece.info.get("transparency"):
        piece = piece.copy()
        piece.info["transparency"] = clear
    rgba = piece.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")


def _halved_grey(clear: object, piece: Image.Image) -> Image.Image:
    """Greys of 16 bits in 8, by a table; one of them may be transparent."""
    table = (np.arange(65536) * (255.0 / 65535.0) + 0.5).astype(np.uint8)
    if isinstance(clear, int) and 0 <= clear < len(table):
        table[clear] = 255
    return Image.fromarray(table[np.asarray(piece)])


def _white(image: Image.Image) -> float:
    """The value that is white, of greys that Pillow's own conversion would cut off at 255."""
    highest = max((_highest(_values(image.crop(box))) for box in _pieces(image)), default=0.0)
    # Floating-point images have no agreed range; those within 0 to 1 are taken as fractions.
    if image.mode == "F" and highest <= 1.0:
        return 1.0
    return max(255.0 if image.mode == "F" else 65535.0, highest)


def _scaled_grey(white: float, clear: object, piece: Image.Image) -> Image.Image:
    """Greys of more than 8 bits, of which `white` is the highest and `clear`, if it is a number, transparent."""
    values = _values(piece)
    levels = np.clip(values * (255.0 / white) + 0.5, 0, 255).astype(np.uint8)
    if isinstance(clear, int | float):
        levels[values == clear] = 255
    return Image.fromarray(levels)


def _values(piece: Image.Image) -> NDArray[np.float64]:
    return np.nan_to_num(np.asarray(piece, dtype=np.float64), posinf=np.inf, neginf=-np.inf)


def _highest(values: NDArray[np.float64]) -> float:
    """The greatest that is not infinite, or 0."""
    return float(values.max(initial=0.0, where=np.isfinite(values)))
