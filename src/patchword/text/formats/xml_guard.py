"""What is asked of XML before and while it is parsed: a root of the format, no entities of its own, one sentence."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from patchword.errors import DataError, clipped

MOST_PROLOGUE = 2**20  # bytes before the root element

_ENTITY = re.compile(rb"<!ENTITY", re.IGNORECASE)


def checked(blocks: Iterator[bytes], name: str, root: str) -> Iterator[bytes]:
    """The same blocks, once the root element's tag has come without a declaration of entities before it.

    A few lines of entities can stand for any amount of memory, or for other files; no tool that writes such files
    declares any. What a DOCTYPE names outside of the file is never fetched.

    Args:
        blocks: of the file.
        name: of the file, for messages.
        root: the local name of its root element.

    Raises:
        DataError: if entities are declared, or there is no such element.
    """
    head = b""
    start = re.compile(rb"<(?:[\w.-]+:)?" + root.encode() + rb"[\s>]", re.IGNORECASE)
    for block in blocks:
        head += block
        plain = head.replace(b"\0", b"")  # UTF-16's letters as ASCII's
        if _ENTITY.search(plain):
            raise DataError(
                name, "declares entities of its own in a DTD, which are not read: replace them by their text"
            )
        if start.search(plain):
            yield head
            yield from blocks
            return
        if len(head) > MOST_PROLOGUE:
            break
    raise DataError(name, f"holds no <{root}> element; expected {'a TMX' if root == 'tmx' else 'an XLIFF'} file")


@contextmanager
def parsing(name: str) -> Iterator[None]:
    """Tell what lxml finds wrong with the XML of the block as one sentence.

    Raises:
        DataError: with the line.
    """
    from lxml.etree import XMLSyntaxError

    try:
        yield
    except XMLSyntaxError as error:
        text = re.sub(r", line \d+, column \d+.*", "", str(error.msg or error).partition("\n")[0])
        raise DataError(name, f"damaged XML: {clipped(text)}", error.lineno or None) from None
