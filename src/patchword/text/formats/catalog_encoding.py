"""The encoding of a PO file: a byte-order mark's, else its header's, else UTF-8."""

import codecs
import re
from dataclasses import dataclass

from patchword.errors import DataError, clipped

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# In the header, which comes first; a template's says CHARSET.
_CHARSET = re.compile(r'^"Content-Type:[^"]*?charset=[ \t]*([^\s"\\;]+)', re.IGNORECASE | re.MULTILINE)
_HEAD = 2**16  # bytes in which the header is


@dataclass(frozen=True)
class Decoded:
    """A catalog as text.

    Attributes:
        text: without the mark.
        mark: the bytes before the text.
        encoding: of the text; Python's name.
        charset: where the header's charset stands in the text, if it has one.
    """

    text: str
    mark: bytes
    encoding: str
    charset: tuple[int, int] | None

    @property
    def as_utf8(self) -> bytes:
        """The text in UTF-8, and with a header that says so."""
        start, end = self.charset or (0, 0)
        return (self.text[:start] + ("UTF-8" if end else "") + self.text[end:]).encode()

    def encoded(self, text: str) -> bytes:
        """Another text as the file was.

        Raises:
            UnicodeEncodeError: if the encoding has not all of its letters.
        """
        return self.mark + text.encode(self.encoding)


def decoded(name: str, content: bytes) -> Decoded:
    """A catalog's text.

    Raises:
        DataError: if the encoding is not known, or the bytes are not in it, with the line.
    """
    mark, encoding = next(((mark, each) for mark, each in _MARKS if content.startswith(mark)), (b"", ""))
    body = content[len(mark) :]
    if not encoding:
        found = _CHARSET.search(body[:_HEAD].decode("latin-1").replace("\r", "\n"))
        encoding = found[1] if found and found[1].upper() != "CHARSET" else "utf-8"
        try:
            "".encode(encoding)
        except (LookupError, ValueError):
            raise DataError(
                name, f"its header says charset={clipped(encoding)}, which is no encoding that is known"
            ) from None
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        said = f"the {encoding} that its header says" if encoding != "utf-8" else "UTF-8 text"
        raise DataError(name, f"not {said}: byte 0x{body[error.start]:02x}", line) from None
    except UnicodeError as error:  # of stateful encodings
        raise DataError(name, f"not the {encoding} that its header says: {error}") from None
    place = _CHARSET.search(text[:_HEAD].replace("\r", "\n"))
    return Decoded(text, mark, encoding, place.span(1) if place else None)
