"""Bytes of a text as they come, made UTF-8: unpacked if they are gzip, without a byte-order mark."""

import codecs
import re
import zlib
from collections.abc import Callable, Iterator

from patchword.errors import DataError

BLOCK = 2**18  # bytes that are looked at together
MOST_UNPACKED = 2**24  # bytes that any packed file may unpack to
MOST_RATIO = 200  # times its packed size that a larger one may; text has less than 20

# A mark, its encoding, and the bytes of a character. UTF-32's begins as UTF-16's does.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8", 1),
    (codecs.BOM_UTF32_LE, "utf-32-le", 4),
    (codecs.BOM_UTF32_BE, "utf-32-be", 4),
    (codecs.BOM_UTF16_LE, "utf-16-le", 2),
    (codecs.BOM_UTF16_BE, "utf-16-be", 2),
)
# What begins as other packed files do.
_PACKED = re.compile(rb"(PK\x03\x04)|(BZh[1-9]1AY&SY)|(\xfd7zXZ\0)|(\x28\xb5\x2f\xfd)|(7z\xbc\xaf\x27\x1c)|(%PDF-)")
_NAMES = ("", "zip", "bzip2", "xz", "zstd", "7z", "PDF")


def most_unpacked(packed: int) -> int:
    """Bytes that so many packed ones may unpack to."""
    return max(MOST_UNPACKED, MOST_RATIO * packed)


def too_much(name: str) -> DataError:
    """The error of a packed text that goes beyond."""
    limit = f"{MOST_UNPACKED // 2**20} MB and {MOST_RATIO} times its size"
    return DataError(name, f"unpacks to more than {limit}, which no text does")


def utf8_blocks(read: Callable[[int], bytes], name: str) -> Iterator[bytes]:
    """The text's bytes in UTF-8, which is not checked where it was UTF-8 before.

    Args:
        read: at most so many of the next bytes; none at the end.
        name: of the file, for messages.

    Raises:
        DataError: if gzip data are damaged, or unpack to very much more than they are; if UTF-16 or UTF-32 data are
            damaged; if they are a file of another kind, or the bytes are hardly text at all.
    """
    blocks = unpacked_blocks(iter(lambda: read(BLOCK), b""), name)
    first = next(blocks, b"")
    for mark, encoding, width in _MARKS:
        if first.startswith(mark):
            first = first[len(mark) :]
            if width > 1:
                yield from _decoded(first, blocks, encoding, name)
                return
            break
    if found := _PACKED.match(first):
        raise DataError(name, f"is no text but a {_NAMES[found.lastindex or 0]} file; only gzip is unpacked: unpack it")
    head = first[:4096]
    if head.count(0) > len(head) // 4:
        raise DataError(name, "is no text: many of its bytes are 0; if it is UTF-16, convert it to UTF-8")
    yield first
    yield from blocks


def unpacked_blocks(blocks: Iterator[bytes], name: str) -> Iterator[bytes]:
    """The same bytes, unpacked if they are gzip; the first block has four of them or a line.

    Raises:
        DataError: if gzip data are damaged, or unpack to very much more than they are.
    """
    blocks = _beginning_whole(blocks)
    first = next(blocks, b"")
    if first.startswith(b"\x1f\x8b"):
        blocks = _beginning_whole(_unpacked(first, blocks, name))
        first = next(blocks, b"")
    if first:
        yield first
    yield from blocks


def _beginning_whole(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The same, but the first block has four bytes or a line, so that marks can be seen in it."""
    first = b""
    for block in blocks:
        first += block
        if len(first) >= 4 or b"\n" in first:
            yield first
            yield from blocks
            return
    if first:
        yield first


def _unpacked(first: bytes, rest: Iterator[bytes], name: str) -> Iterator[bytes]:
    """Unpacked gzip data: one member or several, and zeros after the last."""
    packed = unpacked = 0
    unpacker = zlib.decompressobj(wbits=31)
    for block in _chained(first, rest):
        packed += len(block)
        while block:
            if unpacker.eof:
                if not block.strip(b"\0"):
                    break
                unpacker = zlib.decompressobj(wbits=31)
            try:
                data = unpacker.decompress(block, BLOCK)
            except zlib.error as error:
                raise DataError(name, f"not a whole gzip file: {error}") from None
            unpacked += len(data)
            if unpacked > most_unpacked(packed):
                raise too_much(name)
            if data:
                yield data
            block = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
    while not unpacker.eof:
        # What is left inside the unpacker, of a file that was cut short.
        data = unpacker.decompress(b"", BLOCK)
        if not data:
            raise DataError(name, "not a whole gzip file: it ends in the middle")
        yield data


def _decoded(first: bytes, rest: Iterator[bytes], encoding: str, name: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for block in _chained(first, rest):
            yield decoder.decode(block).encode()
        yield decoder.decode(b"", final=True).encode()
    except UnicodeError as error:
        reason = getattr(error, "reason", str(error))
        raise DataError(name, f"begins as {encoding[:6].upper()} text, but is damaged: {reason}") from None


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
