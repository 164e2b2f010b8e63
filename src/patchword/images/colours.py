"""Decoded images of any mode as people see them: 8-bit RGB, transparency over white."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from patchword.images.orientation import orientation_of, upright

PIECE = 2**22  # pixels that are converted at once, so that a large picture is not held in every form that it takes

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


def opaque(image: Image.Image, orientation: int, raw: str = "") -> Image.Image:
    """8-bit RGB.

    Args:
        image: decoded.
        orientation: as in EXIF, 1 for upright.
        raw: how its file had the pixels; see `raw_mode`.

    Returns:
        another image than `image`, which may share its pixels, without metadata.
    """
    image = upright(image, orientation)
    clear = image.info.get("transparency")
    if image.mode.startswith("I") or image.mode == "F":
        image = _scaled_grey(image, clear)
    elif image.mode == "1" and clear is not None:
        # Black is transparent: all is white; or white is, which it looks like anyway.
        image = image.convert("RGB") if clear else Image.new("RGB", image.size, "white")
    elif image.mode == "L" and isinstance(clear, int):
        image = _whitened(image, clear * _GREY_STEPS.get(raw, 1)).convert("RGB")
    elif image.mode in _ALPHA or clear is not None:
        if raw == "RGB;16B" and isinstance(clear, tuple):
            image = image.copy()
            image.info["transparency"] = tuple(level >> 8 for level in clear)
        image = _over_white(image)
    elif image.mode != "RGB":
        image = image.convert("RGB")
    # The core image in an object of its own: no copy of the pixels, no open file, nothing that says "turn me".
    plain = image._new(image.im)
    plain.info = {}
    return plain


def _pieces(image: Image.Image) -> Iterator[tuple[int, int, int, int]]:
    """Boxes of at most `PIECE` pixels that make up the image."""
    columns = min(image.width, PIECE)
    rows = max(1, PIECE // max(1, columns))
    for top in range(0, image.height, rows):
        for left in range(0, image.width, columns):
            yield left, top, min(image.width, left + columns), min(image.height, top + rows)


def _whitened(image: Image.Image, level: int) -> Image.Image:
    """Greys of 8 bits with one of them, which is transparent, made white."""
    return image.point([255 if value == level else value for value in range(256)])


def _over_white(image: Image.Image) -> Image.Image:
    """Half transparent pixels blended with white."""
    result = Image.new("RGB", image.size)
    for box in _pieces(image):
        piece = image if box == (0, 0, *image.size) else image.crop(box)
        rgba = piece.convert("RGBA")
        result.paste(Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB"), box)
    return result


def _scaled_grey(image: Image.Image, clear: object) -> Image.Image:
    """Greys of more than 8 bits, which Pillow's own conversion would cut off at 255; one of them may be transparent."""
    if image.mode.startswith("I;16"):
        return _halved_grey(image, clear)
    highest = max((_highest(_values(image, box)) for box in _pieces(image)), default=0.0)
    # Floating-point images have no agreed range; those within 0 to 1 are taken as fractions.
    fractions = image.mode == "F" and highest <= 1.0
    highest = 1.0 if fractions else max(255.0 if image.mode == "F" else 65535.0, highest)
    result = Image.new("RGB", image.size)
    for box in _pieces(image):
        values = _values(image, box)
        levels = np.clip(values * (255.0 / highest) + 0.5, 0, 255).astype(np.uint8)
        if isinstance(clear, int | float):
            levels[values == clear] = 255
        result.paste(Image.fromarray(levels).convert("RGB"), box)
    return result


def _halved_grey(image: Image.Image, clear: object) -> Image.Image:
    """Greys of 16 bits in 8, by a table."""
    table = (np.arange(65536) * (255.0 / 65535.0) + 0.5).astype(np.uint8)
    if isinstance(clear, int) and 0 <= clear < len(table):
        table[clear] = 255
    result = Image.new("RGB", image.size)
    for box in _pieces(image):
        result.paste(Image.fromarray(table[np.asarray(image.crop(box))]).convert("RGB"), box)
    return result


def _values(image: Image.Image, box: tuple[int, int, int, int]) -> NDArray[np.float64]:
    return np.nan_to_num(np.asarray(image.crop(box), dtype=np.float64), posinf=np.inf, neginf=-np.inf)


def _highest(values: NDArray[np.float64]) -> float:
    """The greatest that is not infinite, or 0."""
    return float(values.max(initial=0.0, where=np.isfinite(values)))
