"""Image files without their metadata, for those whose metadata is damaged while their pixels are whole."""

import re
import struct
import zlib
from typing import BinaryIO

# TIFF 6.0's tags, and libtiff's, that the decoding of pixels needs; 274 is the orientation.
_TIFF_TAGS = frozenset(
    {256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 284, 292, 293, 317, 320, 322, 323, 324, 325, 332, 338, 339}
    | {347, *range(512, 522), 529, 530, 531, 532}
)
_TIFF_TYPES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}  # bytes each
_WEBP_CHUNKS = (b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF")
_WEBP_METADATA = 0x20 | 0x08 | 0x04  # the flags of VP8X that say there is a colour profile, EXIF, XMP
_JFIF = b"\xff\xe0\x00\x10JFIF\0\1\1\0\0\1\0\1\0\0"


def without_metadata(content: bytes) -> tuple[bytes, bytes | None] | None:
    """The same picture with what its pixels need alone.

    Args:
        content: of a JPEG, PNG, WebP, GIF, TIFF or AVIF file.

    Returns:
        the file that is left, and the block of EXIF that it had, if any; or None if it is none of these, or nothing
        can be left out.
    """
    try:
        if content.startswith(b"\xff\xd8"):
            return _jpeg(content)
        if content.startswith(b"\x89PNG\r\n\x1a\n"):
            return _png(content)
        if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
            return _webp(content)
        if content[:6] in (b"GIF87a", b"GIF89a"):
            return _gif(content), None
        if content[:4] in (b"II*\0", b"MM\0*"):
            return _tiff(content), None
        if content[4:8] == b"ftyp":
            return _avif(content), None
    except (struct.error, IndexError):
        return None
    return None


def _jpeg(content: bytes) -> tuple[bytes, bytes | None]:
    """Application segments and comments left out, but for what says how colours are coded: JFIF and Adobe's."""
    kept, exif, position = [b"\xff\xd8"], None, 2
    while True:
        position = content.index(b"\xff", position) if content[position] != 0xFF else position
        marker = content[position + 1]
        if marker in (0xFF, 0x00):
            position += 1
            continue
        if marker == 0xDA:
            return b"".join([*kept, content[position:]]), exif
        if 0xD0 <= marker <= 0xD9 or marker == 0x01:
            position += 2
            continue
        (length,) = struct.unpack_from(">H", content, position + 2)
        segment = content[position : position + 2 + length]
        if marker == 0xE0 and segment[4:8] == b"JFIF":
            kept.append(_JFIF)
        elif marker == 0xEE and segment[4:9] == b"Adobe":
            kept.append(segment)
        elif marker == 0xE1 and segment[4:8] == b"Exif":
            exif = exif or segment[4:]
        elif not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            kept.append(segment)
        position += 2 + max(2, length)


def _png(content: bytes) -> tuple[bytes, bytes | None]:
    """Ancillary chunks left out, whole or damaged, but for transparency that its checksum vouches for."""
    kept, exif, position = [content[:8]], None, 8
    while position + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, position)
        end = position + 12 + length
        if re.fullmatch(rb"[A-Za-z]{4}", kind) is None or (end > len(content) and kind[0:1].islower()):
            # A length was damaged: go on where the pixels do.
            following = content.find(b"IDAT", position + 8) - 4
            if following < 0 or any(chunk[4:8] == b"IDAT" for chunk in kept):
                break
            position = following
            continue
        chunk = content[position:end]
        whole = len(chunk) == 12 + length and zlib.crc32(chunk[4:-4]) == struct.unpack(">I", chunk[-4:])[0]
        if kind[0:1].isupper() or (kind == b"tRNS" and whole):
            kept.append(chunk)
        elif kind == b"eXIf" and whole:
            exif = chunk[8:-4]
        if kind == b"IEND":
            return b"".join(kept), exif
        position = end
    return b"".join([*kept, struct.pack(">I4sI", 0, b"IEND", zlib.crc32(b"IEND"))]), exif


def _webp(content: bytes) -> tuple[bytes, bytes | None]:
    kept, exif, position = [], None, 12
    while position + 8 <= len(content):
        kind, length = struct.unpack_from("<4sI", content, position)
        chunk = content[position : position + 8 + length + length % 2]
        if kind == b"VP8X" and len(chunk) > 8:
            chunk = chunk[:8] + bytes([chunk[8] & ~_WEBP_METADATA]) + chunk[9:]
        if kind in _WEBP_CHUNKS:
            kept.append(chunk)
        elif kind == b"EXIF":
            exif = chunk[8:]
        position += len(chunk)
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(body)) + body, exif


def _gif(content: bytes) -> bytes:
    """The first frame: its control extension, without comments and applications' data."""
    flags = content[10]
    position = 13 + (3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0)
    kept = [content[:position]]
    while content[position] == 0x21:
        end = _after_blocks(content, position + 2)
        if content[position + 1] == 0xF9:
            kept.append(content[position:end])
        position = end
    return b"".join([*kept, content[position:]])


def _after_blocks(content: bytes, position: int) -> int:
    while content[position]:
        position += 1 + content[position]
    return position + 1


def _tiff(content: bytes) -> bytes:
    """Every other tag of the first page left out; offsets stay, so nothing moves but the rest of the directory."""
    order = "<" if content[:1] == b"I" else ">"
    (start,) = struct.unpack_from(order + "I", content, 4)
    (count,) = struct.unpack_from(order + "H", content, start)
    entries = []
    for place in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind, length = struct.unpack_from(order + "HHI", content, place)
        turned = tag == 274 and (kind, length) != (3, 1)
        if tag in _TIFF_TAGS and not turned:
            entries.append(content[place : place + 12])
    directory = struct.pack(order + "H", len(entries)) + b"".join(entries) + bytes(4)
    directory = directory[: 2 + 12 * count + 4]
    return content[:start] + directory + content[start + len(directory) :]


def hides_tags(file: BinaryIO, size: int) -> bool:
    """Whether a tag that no pixel needs ends outside of a TIFF file; Pillow reads none of those that come after it.

    Args:
        file: at any place; it is left at another.
        size: of the file in bytes.
    """
    file.seek(0)
    head = file.read(8)
    order = "<" if head[:1] == b"I" else ">"
    if len(head) < 8 or head[:4] not in (b"II*\0", b"MM\0*"):
        return False
    file.seek(struct.unpack_from(order + "I", head, 4)[0])
    count = file.read(2)
    entries = file.read(12 * struct.unpack(order + "H", count)[0]) if len(count) == 2 else b""
    for tag, kind, length, place in struct.iter_unpack(order + "HHII", entries[: len(entries) // 12 * 12]):
        data = length * _TIFF_TYPES.get(kind, 0)
        if data > 4 and place + data > size and tag not in _TIFF_TAGS:
            return True
    return False


def _avif(content: bytes) -> bytes:
    """Items of EXIF and XMP renamed in the table of items, so that nobody reads them; irot and imir stay."""
    table = content.find(b"iinf")
    if table < 0:
        return content
    (length,) = struct.unpack_from(">I", content, table - 4)
    items = content[table : table - 4 + length].replace(b"Exif", b"free").replace(b"mime", b"free")
    return content[:table] + items + content[table + len(items) :]
