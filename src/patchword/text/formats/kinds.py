"""Which of the translators' formats a file is in: by its name's ending, else by how it begins."""

import re
import zlib
from pathlib import Path
from typing import IO

TMX, PO, MO, XLIFF = "TMX", "PO", "MO", "XLIFF"

_ENDINGS = {
    "tmx": TMX,
    "po": PO,
    "pot": PO,
    "mo": MO,
    "gmo": MO,
    **dict.fromkeys(("xlf", "xlif", "xliff", "sdlxliff", "mxliff", "mqxliff", "txlf"), XLIFF),
}
ENDINGS = tuple(f".{ending}" for ending in _ENDINGS)

_HEAD = 4096  # bytes
_MAGIC = (b"\xde\x12\x04\x95", b"\x95\x04\x12\xde")  # of MO, in both orders of bytes
_ROOT = re.compile(rb"<(?:[\w.-]+:)?(tmx|xliff)[\s>]", re.IGNORECASE)
# Comments, then the header's or a message's first line.
_PO = re.compile(rb'\s*(?:#[^\r\n]*[\r\n]+\s*)*(?:msgctxt\s+"[^\r\n]*[\r\n]+\s*)?msgid\s+"')


def kind_by_name(name: str) -> str | None:
    """The format that a file's name says; .gz is passed over."""
    return _ENDINGS.get(name.lower().removesuffix(".gz").rpartition(".")[2])


def is_filled(path: Path | str) -> bool:
    """Whether a file is a translators' one, by its name, which is filled rather than translated line by line."""
    return kind_by_name(str(path)) is not None


def kind_of(name: str, stream: IO[bytes]) -> str | None:
    """The format of a file, or None for another.

    Args:
        name: of the file.
        stream: its bytes, of which none are taken.
    """
    found = kind_by_name(name)
    if found is not None or not hasattr(stream, "peek"):
        return found
    try:
        head = stream.peek(_HEAD)[:_HEAD]
        if head.startswith(b"\x1f\x8b"):
            head = zlib.decompressobj(wbits=31).decompress(head, _HEAD)
    except (OSError, zlib.error):  # which reading it will say
        return None
    return kind_by_content(head)


def kind_by_content(head: bytes) -> str | None:
    """The format that begins so."""
    if head.startswith(_MAGIC):
        return MO
    head = head.removeprefix(b"\xef\xbb\xbf").replace(b"\0", b"")  # UTF-16's letters as ASCII's
    if head.lstrip(b"\xff\xfe \t\r\n").startswith(b"<"):
        root = _ROOT.search(head)
        return None if root is None else TMX if root[1].lower() == b"tmx" else XLIFF
    return PO if _PO.match(head) else None
