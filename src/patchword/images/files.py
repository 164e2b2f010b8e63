"""Opening image files safely, whatever their mode, their metadata, and what is in their place."""

import ctypes
import io
import logging
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO

import PIL
from PIL import Image, JpegImagePlugin

from patchword.errors import DataError, RecipeError, reason, shown
from patchword.files import regular
from patchword.images.colours import as_rgb, opaque, raw_mode
from patchword.images.essentials import hides_tags, without_metadata
from patchword.images.formats import FORMATS, HEAD, IMAGE_SUFFIXES, format_of, other_kind
from patchword.images.orientation import exif_orientation, orientation_of
from patchword.memory import is_out_of_memory

__all__ = [
    "FORMATS",
    "IMAGE_SUFFIXES",
    "LEAST_PIXELS",
    "MAX_BYTES",
    "MAX_PIXELS",
    "MOST_PIXELS",
    "allowed_pixels",
    "alone",
    "as_rgb",
    "open_image",
]

MAX_PIXELS = 100_000_000  # checked before decoding, so that a small file cannot fill the memory
LEAST_PIXELS, MOST_PIXELS = 65_536, 2_000_000_000  # that the limit can be set to
MAX_BYTES = 500_000_000  # of one file

# Formats whose decoders keep several whole pictures beside the one that they give.
_HEAVY = {"WEBP": 2, "AVIF": 2}
# Pillow's decoder of compressed bitmaps makes rows of this length at one byte's word.
_WIDEST_RLE = 32_768
# Larger files are not searched for their pixels, for which they would be in memory three times.
_REPAIRED = 100_000_000
# A pixel of a decoded picture takes four bytes, and as many again when it is converted.
_BYTES_A_PIXEL = 8

# What Pillow logs of odd files is in our messages, or does not matter; without a handler it would be printed.
logging.getLogger("PIL").addHandler(logging.NullHandler())


def open_image(source: Path | bytes, name: str | None = None, max_pixels: int | None = None) -> Image.Image:
    """Decode an image as people see it: 8-bit RGB, upright.

    The first frame of an animation; EXIF rotation applied; palettes resolved; transparency over white; CMYK converted;
    16-bit and floating-point greys scaled to 8 bits instead of cut off. Of the metadata the orientation alone is read,
    and whole pixels are a picture whatever the metadata is. A JPEG of more pixels than allowed is decoded at a half, a
    quarter or an eighth of its size.

    Args:
        source: a path, or the file's content.
        name: what to call it in errors; by default the path.
        max_pixels: how many pixels may be decoded; by default `MAX_PIXELS`, for which about 1 GB of memory is needed.

    Returns:
        an RGB image.

    Raises:
        DataError: naming the file, if it is missing, no file with an end, no image, damaged, or too large.
    """
    label = name or (str(source) if isinstance(source, Path) else "image")
    limit = MAX_PIXELS if max_pixels is None else max_pixels
    with alone(label):
        size = regular(source, "an image file").stat().st_size if isinstance(source, Path) else len(source)
        if size > MAX_BYTES:
            raise DataError(label, f"has {size:,} bytes, more than the {MAX_BYTES:,} that are allowed")
        try:
            with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
                return _decoded(file, size, label, limit)
        except (DataError, MemoryError, FileNotFoundError, PermissionError):
            raise
        except Exception as error:
            if size > _REPAIRED:
                raise
            content = source if isinstance(source, bytes) else source.read_bytes()
            rest, exif = without_metadata(content) or (content, None)
            with suppress(Exception):
                if rest != content:
                    return _decoded(io.BytesIO(rest), len(rest), label, limit, exif)
            with suppress(Exception):
                if rest.startswith(b"\xff\xd8"):
                    return _without_end(rest, label, limit, exif)
            raise error


def allowed_pixels(limit: int | None) -> int:
    """A limit on decoded pixels that somebody set, or the usual one.

    Raises:
        RecipeError: if it is not within `LEAST_PIXELS` to `MOST_PIXELS`.
    """
    if limit is not None and not LEAST_PIXELS <= limit <= MOST_PIXELS:
        raise RecipeError(f"max_pixels = {shown(limit)}: expected {LEAST_PIXELS:,} to {MOST_PIXELS:,}")
    return MAX_PIXELS if limit is None else limit


@contextmanager
def alone(label: str) -> Iterator[None]:
    """Turn whatever is raised for one image into a `DataError`, so that no other image suffers from it."""
    try:
        yield
    except DataError:
        raise
    except Image.DecompressionBombError:
        raise DataError(label, "has more pixels than are allowed") from None
    except Exception as error:
        if is_out_of_memory(error):
            raise DataError(label, "takes more memory than there is") from None
        if isinstance(error, OSError) and error.errno is not None:
            raise DataError(label, f"cannot be read: {reason(error)}") from None
        text = str(error) or type(error).__name__
        raise DataError(label, f"the image is damaged: {shown(text)[1:-1]}") from None


def _decoded(file: BinaryIO, size: int, label: str, limit: int, exif: bytes | None = None) -> Image.Image:
    """See `open_image`; `size` is the file's, `exif` the block that was taken out of it."""
    head = file.read(HEAD)
    kind = format_of(head)
    if kind is None:
        known = other_kind(head)
        raise DataError(label, f"not an image, or of an unknown format{f': it is {known}' if known else ''}")
    if kind == "TIFF":
        _silence_libtiff()
        if hides_tags(file, size):
            raise ValueError("a tag lies outside of the file")
    file.seek(0)
    with warnings.catch_warnings():
        # Pillow warns of what is an error here or does not matter: large sizes, odd EXIF, palette transparency.
        warnings.simplefilter("ignore")
        # As `Image.open` does, which would also refuse what `limit` allows.
        image = Image.OPEN[kind][0](file, "")
        _check_size(image, kind, label, limit)
        raw = raw_mode(image)
        image.load()
        if kind == "WEBP":  # its decoder keeps two whole pictures
            vars(image).pop("_decoder", None)
        # A TIFF is turned by Pillow when it is decoded.
        orientation = 1 if kind == "TIFF" else orientation_of(image.info)
        if exif is not None:
            orientation = exif_orientation(exif) or 1
        return opaque(image, orientation, raw, owned=True)


def _without_end(content: bytes, label: str, limit: int, exif: bytes | None) -> Image.Image:
    """A JPEG that lacks its end marker and no pixel: two different endings change none of them.

    Raises:
        ValueError: if they do, or it has its pixels in several scans, of which whole ones may be missing.
    """
    if content.count(b"\xff\xda") != 1 or b"\xff\xc2" in content:
        raise ValueError("scans may be missing")
    content = content.rstrip(b"\xff")
    sums = set()
    for ending in (b"\xa5", b"\x5a"):
        ended = content + 64 * ending + b"\xff\xd9"
        image = _decoded(io.BytesIO(ended), len(ended), label, limit, exif)
        sums.add(zlib.crc32(image.tobytes()))
        if ending == b"\x5a" and len(sums) == 1:
            return image
        image.close()
    raise ValueError("pixels are missing")


def _check_size(image: Image.Image, kind: str, label: str, limit: int) -> None:
    """See that decoding stays within the limit; a JPEG is told to decode at a part of its size if that helps."""
    width, height = image.size
    allowed = limit // _HEAVY.get(kind, 1)
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        for part in (1, 2, 4, 8):
            pixels = -(-width // part) * -(-height // part)
            if pixels <= allowed and 4 * pixels + _kept_bytes(image) <= _BYTES_A_PIXEL * limit:
                if part > 1:
                    image.draft(None, (max(1, width // part), max(1, height // part)))
                return
    if width * height > allowed or isinstance(image, JpegImagePlugin.JpegImageFile):
        for_kind = "" if allowed == limit else f" for {kind}"
        raise DataError(
            label, f"has {width} x {height} pixels, more than the {allowed:,} that are allowed{for_kind} (--max-pixels)"
        )
    if kind == "TIFF":
        tags = image.tag_v2  # type: ignore[attr-defined]
        tile = int(tags.get(322) or 1) * int(tags.get(323) or 1)
        if tile > max(allowed, 0):
            raise DataError(label, f"has tiles of {tile:,} pixels, more than the {allowed:,} that are allowed")
        there = sum((x1 - x0) * (y1 - y0) for _, (x0, y0, x1, y1), *_ in image.tile)  # type: ignore[attr-defined]
        if there < width * height:
            raise ValueError(f"it has {there:,} of its {width} x {height} pixels")
    if image.tile and image.tile[0][0] == "bmp_rle" and width > _WIDEST_RLE:  # type: ignore[attr-defined]
        raise DataError(label, f"is a compressed bitmap of {width} columns, more than the {_WIDEST_RLE} that are read")


def _kept_bytes(image: JpegImagePlugin.JpegImageFile) -> int:
    """Memory that a progressive JPEG's coefficients take until its last scan; they are kept at full size."""
    if "progressive" not in image.info:
        return 0
    sampling = [(layer[1], layer[2]) for layer in image.layer]
    most = max((h for h, _ in sampling), default=1), max((v for _, v in sampling), default=1)
    area = sum(h * v for h, v in sampling) / max(1, most[0] * most[1])
    return int(2 * area * image.width * image.height)


@cache
def _silence_libtiff() -> None:
    """libtiff writes what it finds wrong to standard error by itself, without the file's name; Pillow raises it too."""
    folder = Path(PIL.__file__).parent
    for library in [*folder.parent.glob("pillow.libs/libtiff*"), *folder.glob(".dylibs/libtiff*"), "libtiff.so.6"]:
        with suppress(OSError, AttributeError):
            loaded = ctypes.CDLL(str(library))
            for name in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
                handler = getattr(loaded, name)
                handler.restype, handler.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
                handler(None)
            return
