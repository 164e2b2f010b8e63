"""How a picture was held when it was taken: the one fact of its metadata that is read, and never written.

EXIF 2.32, section 4.6.4: tag 0x0112. Whatever else the metadata holds, damaged or not, is left alone.
"""

import re
import struct
from typing import Any

from PIL import Image

_TAG = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_XMP = re.compile(rb'tiff:Orientation(?:="|>)([0-9])')
_NUMBERS = {1: "B", 3: "H", 4: "I"}  # EXIF's types of whole numbers


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """The image turned so that it is seen as it was taken; itself if it is upright."""
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def orientation_of(info: dict[Any, Any]) -> int:
    """The orientation that an opened image's `info` says, 1 to 8; 1 if it says none that can be read."""
    exif = info.get("exif")
    if exif is None and "Raw profile type exif" in info:
        try:
            exif = bytes.fromhex("".join(str(info["Raw profile type exif"]).split("\n")[3:]))
        except ValueError:
            exif = None
    found = exif_orientation(exif) if isinstance(exif, bytes) else None
    for key in ("XML:com.adobe.xmp", "xmp"):
        text = info.get(key)
        if found is None and text:
            match = _XMP.search(text.encode("utf-8", "replace") if isinstance(text, str) else bytes(text))
            found = int(match[1]) if match else None
    return found if found in _TURNS else 1


def exif_orientation(exif: bytes) -> int | None:
    """The orientation in a block of EXIF, whatever it is; None if the block has none or cannot be read."""
    while exif.startswith(b"Exif\0\0"):
        exif = exif[6:]
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return None
    found = None
    try:
        (start,) = struct.unpack_from(order + "I", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, length = struct.unpack_from(order + "HHI", exif, entry)
            if tag == _TAG and kind in _NUMBERS and length == 1:
                (found,) = struct.unpack_from(order + _NUMBERS[kind], exif, entry + 8)
    except struct.error:
        pass  # a block that ends early still says what came before
    return found
