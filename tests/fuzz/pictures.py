"""Pictures of every format, mode and kind of metadata, and what can be done to them."""

import io
import random
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, TiffImagePlugin
from PIL.PngImagePlugin import PngInfo

from patchword.images.formats import FORMATS

SIZE = (21, 14)  # width and height, not the same and odd, so that a turn or a wrong row shows
MODES = {
    "JPEG": ("RGB", "L", "CMYK"),
    "PNG": ("RGB", "RGBA", "L", "LA", "P", "1", "I;16"),
    "WEBP": ("RGB", "RGBA"),
    "TIFF": ("RGB", "RGBA", "L", "1", "I;16", "F", "CMYK", "P"),
    "GIF": ("P", "L"),
    "BMP": ("RGB", "L", "P", "1"),
    "PPM": ("RGB", "L", "1"),
    "AVIF": ("RGB", "RGBA"),
}


@dataclass(frozen=True)
class Picture:
    """A whole file.

    Attributes:
        kind: its format.
        content: its bytes.
    """

    kind: str
    content: bytes


def plain(mode: str) -> Image.Image:
    generator = np.random.default_rng(sum(map(ord, mode)))
    # Smooth, so that formats that lose something can say so in few bytes.
    grey = np.add.outer(np.arange(SIZE[1]) * 9, np.arange(SIZE[0]) * 5) + generator.integers(0, 20, SIZE[::-1])
    if mode == "I;16":
        return Image.fromarray((grey * 200).astype(np.uint16))
    if mode == "F":
        return Image.fromarray((grey / 300).astype(np.float32))
    image = Image.fromarray(np.stack([grey, grey[::-1], grey[:, ::-1]], -1).clip(0, 255).astype(np.uint8))
    if mode in ("RGBA", "LA"):
        image.putalpha(Image.fromarray(grey.clip(0, 255).astype(np.uint8)))
    return image.quantize(16) if mode == "P" else image.convert(mode)


def exif() -> Image.Exif:
    found = Image.Exif()
    found[0x0112] = 6
    found[0x010F], found[0x0110], found[0x0131], found[0x013B] = "a maker", "a model", "software 1.0", "somebody"
    found[0x011A], found[0x011B] = TiffImagePlugin.IFDRational(72, 1), TiffImagePlugin.IFDRational(72, 1)
    found.get_ifd(0x8769)[0x9003] = "2020:01:01 00:00:00"
    found.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0a comment of the user"
    found.get_ifd(0x8825)[2] = (TiffImagePlugin.IFDRational(5, 1),) * 3
    return found


def saved(kind: str, mode: str, **options: object) -> Picture:
    buffer = io.BytesIO()
    plain(mode).save(buffer, kind, **options)
    return Picture(kind, buffer.getvalue())


def bare() -> list[Picture]:
    """A picture of every format and mode that is read."""
    found = [saved(kind, mode) for kind, modes in MODES.items() if kind in FORMATS for mode in modes]
    found += [saved("TIFF", "RGB", compression=way) for way in ("tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits")]
    found += [saved("TIFF", "1", compression=way) for way in ("group3", "group4")]
    found += [saved("JPEG", "RGB", progressive=True), saved("WEBP", "RGB", lossless=True)]
    more = [plain("P"), plain("P").rotate(180)]
    for kind in ("GIF", "PNG", "WEBP", "TIFF", "MPO"):
        buffer = io.BytesIO()
        first, second = more if kind == "GIF" else [image.convert("RGB") for image in more]
        first.save(buffer, kind, save_all=True, append_images=[second])
        found.append(Picture("JPEG" if kind == "MPO" else kind, buffer.getvalue()))
    return found


def rubbish(draw: random.Random, most: int = 300) -> bytes:
    """Bytes that may be anything: random, zeros, ones, text, or EXIF with a few bytes changed."""
    way = draw.randrange(6)
    length = draw.randrange(most)
    if way == 0:
        return bytes(length)
    if way == 1:
        return b"\xff" * length
    if way == 2:
        return "käse \x1b[31m".encode() * (length // 8)
    if way == 3:
        return zlib.compress(bytes(draw.choice([10, 10_000, 3_000_000])))
    if way == 4:
        return draw.randbytes(length)
    return changed(draw, bytes(exif().tobytes()))


def changed(draw: random.Random, content: bytes, most: int = 8) -> bytes:
    """The same length with a few bytes changed."""
    result = bytearray(content)
    for _ in range(draw.randint(1, most)):
        result[draw.randrange(len(result))] = draw.choice([0, 255, draw.randrange(256)])
    return bytes(result)


def damaged(draw: random.Random, content: bytes) -> bytes:
    """Anything may be wrong with it: bytes flipped, cut out, put in, put elsewhere, or an end that is missing."""
    way = draw.randrange(6)
    start, end = sorted(draw.randrange(len(content) + 1) for _ in range(2))
    if way <= 1:
        return changed(draw, content)
    if way == 2:
        return content[:start]
    if way == 3:
        return content[:start] + content[min(end, start + draw.randrange(40)) :]
    if way == 4:
        return content[:start] + rubbish(draw, 40) + content[start:]
    # Most of what a file says of itself is at its beginning.
    head = min(len(content), 120)
    return changed(draw, content[:head], 4) + content[head:]


def with_odd_metadata(draw: random.Random, picture: Picture) -> bytes:
    """The picture with metadata that nobody should have written; its pixels are untouched."""
    return _ODD[picture.kind](draw, picture.content)


def _odd_jpeg(draw: random.Random, content: bytes) -> bytes:
    heads = [b"Exif\0\0", b"ICC_PROFILE\0\1\1", b"ICC_PROFILE\0", b"MPF\0", b"http://ns.adobe.com/xap/1.0/\0", b""]
    heads += [b"Photoshop 3.0\0", b"JFXX\0", b"Exif", b"FPXR\0"]
    segments = b""
    for _ in range(draw.randint(1, 4)):
        body = draw.choice(heads) + draw.choice([b"", b"II*\0", b"MM\0*\0\0\0\x08", b"8BIM\x03\xed"]) + rubbish(draw)
        body = body[:65_000]
        marker = draw.choice([*range(0xE1, 0xEE), 0xEF, 0xFE])
        segments += bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body
    return content[:2] + segments + content[2:]


def chunk(kind: bytes, body: bytes, checksum: int | None = None) -> bytes:
    found = zlib.crc32(kind + body) if checksum is None else checksum
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", found)


def _odd_png(draw: random.Random, content: bytes) -> bytes:
    names = [b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"iCCP", b"pHYs", b"tIME", b"gAMA", b"cHRM", b"sRGB", b"bKGD", b"hIST"]
    names += [b"sBIT", b"sPLT", b"oFFs", b"caBX", b"acTL"]
    first = content.index(b"IDAT") - 4
    chunks = [b"", b""]
    for _ in range(draw.randint(1, 4)):
        name = draw.choice(names)
        head = {b"zTXt": b"key\0\0", b"iTXt": b"key\0\1\0\0\0", b"iCCP": b"icc\0\0", b"eXIf": b"II*\0"}.get(name, b"")
        body = draw.choice([head, head, b""]) + rubbish(draw)
        where = 0 if name == b"acTL" else draw.randrange(2)
        chunks[where] += chunk(name, body, draw.choice([None, None, 12345]))
    return content[:first] + chunks[0] + content[first:-12] + chunks[1] + content[-12:]


def _odd_webp(draw: random.Random, content: bytes) -> bytes:
    body, flags = content[12:], draw.choice([0x2C, 0x08, 0x04, 0x20, 0])
    if not body.startswith(b"VP8X"):
        extended = bytes([flags | (0x10 if b"L" in body[:4] else 0)]) + bytes(3)
        extended += struct.pack("<I", SIZE[0] - 1)[:3] + struct.pack("<I", SIZE[1] - 1)[:3]
        body = b"VP8X" + struct.pack("<I", len(extended)) + extended + body
    else:
        body = body[:8] + bytes([body[8] | flags]) + body[9:]
    body += bytes(len(body) % 2)
    for _ in range(draw.randint(1, 3)):
        data = rubbish(draw)
        body += draw.choice([b"EXIF", b"XMP ", b"ICCP", b"JUNK"])
        body += struct.pack("<I", draw.choice([len(data)] * 3 + [2**31])) + data + bytes(len(data) % 2)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


_NO_PIXELS = (
    269,
    270,
    271,
    272,
    282,
    283,
    285,
    296,
    297,
    305,
    306,
    315,
    316,
    318,
    319,
    33432,
    34377,
    34675,
    700,
    33723,
)
_DIRECTORIES = (34665, 34853, 330, 40965)


def _odd_tiff(draw: random.Random, content: bytes) -> bytes:
    order = "<" if content[:1] == b"I" else ">"
    (start,) = struct.unpack_from(order + "I", content, 4)
    (count,) = struct.unpack_from(order + "H", content, start)
    entries = {}
    for place in range(start + 2, start + 2 + 12 * count, 12):
        entries[struct.unpack_from(order + "H", content, place)[0]] = content[place : place + 12]
    extra = draw.randbytes(64) + rubbish(draw)
    extra += bytes(len(content + extra) % 2)
    for _ in range(draw.randint(1, 5)):
        tag, kind = draw.choice(_NO_PIXELS + _DIRECTORIES), draw.choice([*range(14), 129, 65535])
        length = draw.choice([0, 1, 2, 5, 2**16, 2**31, 2**32 - 1])
        value = draw.choice([0, start, 8, len(content), len(content) + 3, 2**31, 2**32 - 1, draw.randrange(2**32)])
        entries[tag] = struct.pack(order + "HHII", tag, kind, length, value)
    place = len(content) + len(extra)
    directory = struct.pack(order + "H", len(entries)) + b"".join(entries[tag] for tag in sorted(entries)) + bytes(4)
    return content[:4] + struct.pack(order + "I", place) + content[8:] + extra + directory


def _odd_gif(draw: random.Random, content: bytes) -> bytes:
    place = 13 + (3 * 2 ** ((content[10] & 7) + 1) if content[10] & 0x80 else 0)
    kind, body = draw.choice([0xFE, 0xFF, 0x01, draw.randrange(2, 0xF9)]), rubbish(draw)
    blocks = b"".join(bytes([len(part)]) + part for i in range(0, len(body), 200) if (part := body[i : i + 200]))
    return content[:place] + bytes([0x21, kind]) + blocks + b"\0" + content[place:]


def _odd_bmp(draw: random.Random, content: bytes) -> bytes:
    # The file's size, what is reserved, the picture's size in bytes, and pixels a metre.
    places = [*range(2, 10), *range(34, 46)]
    result = bytearray(content)
    for place in draw.sample(places, draw.randint(1, 12)):
        result[place] = draw.randrange(256)
    return bytes(result) + rubbish(draw)


_ODD: dict[str, Callable[[random.Random, bytes], bytes]] = {
    "JPEG": _odd_jpeg,
    "PNG": _odd_png,
    "WEBP": _odd_webp,
    "TIFF": _odd_tiff,
    "GIF": _odd_gif,
    "BMP": _odd_bmp,
}


def with_metadata() -> list[Picture]:
    """Pictures that have metadata, so that what is damaged may be metadata too."""
    text = PngInfo()
    text.add_text("Description", "a picture", zip=True)
    text.add_itxt("Title", "ein Bild", "de", "Titel", zip=True)
    profile = bytes(range(128)) * 3
    return [
        saved("JPEG", "RGB", exif=exif(), icc_profile=profile, comment=b"hello", dpi=(72, 72)),
        saved("PNG", "RGB", exif=exif(), icc_profile=profile, pnginfo=text, dpi=(72, 72)),
        saved("PNG", "I;16", exif=exif(), pnginfo=text, transparency=600),
        saved("PNG", "L", exif=exif(), bits=4, transparency=3),
        saved("WEBP", "RGBA", exif=exif(), icc_profile=profile, xmp=b"<x tiff:Orientation='1'/>"),
        saved("TIFF", "RGB", exif=exif(), icc_profile=profile, compression="tiff_lzw", dpi=(72, 72)),
        saved("GIF", "P", comment=b"hello" * 60, transparency=3),
        *([saved("AVIF", "RGB", exif=exif(), icc_profile=profile)] if "AVIF" in FORMATS else []),
    ]
