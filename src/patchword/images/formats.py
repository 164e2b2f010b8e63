"""Which image files are read, and what a file is by its first bytes, whatever its name says."""

import re
from collections.abc import Callable
from pathlib import PurePath

from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
    features,
)

# Pillow would hand others, such as PostScript, to programs outside it, whatever the file's name says.
_PLUGINS = (
    BmpImagePlugin,
    GifImagePlugin,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
FORMATS: tuple[str, ...] = ("JPEG", "PNG", "WEBP", "BMP", "DIB", "GIF", "TIFF", "PPM")


def words(text: str) -> tuple[str, ...]:
    """A list of words, in order."""
    return tuple(text.split())


IMAGE_SUFFIXES = frozenset(
    words(".jpg .jpeg .jpe .jfif .mpo .png .apng .webp .bmp .dib .gif .tif .tiff .ppm .pgm .pbm .pnm .pfm")
)

try:
    from PIL import AvifImagePlugin  # not in every build of Pillow

    if AvifImagePlugin.SUPPORTED and features.check("avif"):
        FORMATS = (*FORMATS, "AVIF")
        IMAGE_SUFFIXES |= {".avif", ".avifs"}
except ImportError:
    pass

# What holds pictures and is not read: a class that has nothing else was not left out on purpose.
UNREAD_SUFFIXES = frozenset(
    words(
        ".heic .heif .jxl .jp2 .j2k .jpx .psd .svg .eps .pdf .tga .ico .pcx .exr .hdr .dcm .raw .dng .cr2 .cr3 .nef "
        ".arw .orf .rw2 .raf .qoi .avif .avifs .mp4 .mov .avi .webm"
    )
).difference(IMAGE_SUFFIXES)
_TEXTS = frozenset(words(".txt .csv .tsv .json .jsonl .xml .html .htm .md .yaml .yml .toml .ini .log .py .ipynb"))

HEAD = 32  # bytes by which a file is recognised

# The beginnings of files that are taken for pictures and are none that is read.
_OTHERS = (
    (b"version https://git-lfs", "a pointer of Git LFS, whose picture was not fetched"),
    (b"%PDF", "a PDF"),
    (b"%!PS", "PostScript"),
    (b"8BPS", "a Photoshop file"),
    (b"<svg", "an SVG drawing"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"PK\x03\x04", "a zip"),
    (b"\x1f\x8b", "a gzip file"),
)
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def format_of(head: bytes) -> str | None:
    """The format of `FORMATS` whose files begin so, or None.

    Args:
        head: the first `HEAD` bytes of a file.
    """
    for name in FORMATS:
        accept = Image.OPEN[name][1]
        if accept is not None and len(head) >= 4 and accept(head) is True:
            return None if name == "AVIF" and head[8:12] in _HEIF_BRANDS and b"avif" not in head else name
    return None


def is_picture(name: str, head: Callable[[], bytes]) -> bool:
    """Whether a file is taken for a picture that is read: by its suffix, or else by how it begins.

    Args:
        name: of the file.
        head: gives its first `HEAD` bytes; called only if the suffix says nothing.
    """
    suffix = suffix_of(name)
    if suffix in IMAGE_SUFFIXES or suffix in _TEXTS:
        return suffix in IMAGE_SUFFIXES
    begin = head()
    kind = format_of(begin)
    # These begin with so few bytes of their own that other files begin so too.
    if kind == "PPM":
        return re.match(rb"P\d\s+[\d#]", begin) is not None
    return kind is not None and (kind not in ("BMP", "DIB") or (kind == "BMP" and begin[6:10] == bytes(4)))


def suffix_of(name: str) -> str:
    """The suffix in small letters, with its dot."""
    return PurePath(name).suffix.lower()


def other_kind(head: bytes) -> str:
    """What a file that is no image of `FORMATS` seems to be, a clause: "a PDF"."""
    if not head:
        return "empty"
    if head[4:8] == b"ftyp":
        return "HEIC" if head[8:12] in _HEIF_BRANDS else "AVIF" if head[8:12] in (b"avif", b"avis") else "a film"
    return next((kind for begin, kind in _OTHERS if head.lstrip()[: len(begin)].lower() == begin.lower()), "")
