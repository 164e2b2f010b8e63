"""Where in an XML file each element stands, to the byte; lxml, which reads them otherwise, does not say."""

import re
from dataclasses import dataclass, field
from xml.parsers import expat

from patchword.errors import DataError, clipped

_TAG = re.compile(rb"""<[^\s/>]+(?:[^"'>]|"[^"]*"|'[^']*')*>""")
_DECLARED = re.compile(rb"""\A\s*<\?xml[^>]*?\sencoding\s*=\s*["']([\w.:-]+)["']""")
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


@dataclass(slots=True, eq=False)
class Element:
    """An element.

    Attributes:
        name: its local name.
        space: its namespace.
        attributes: by their names, those of a namespace as "namespace name".
        start: of its start tag.
        inner: its content's beginning.
        inner_end: its content's end; for <x/> both are the tag's end.
        end: of its end tag.
        line: counted from 1.
        parent: the element around it.
        children: those within it.
    """

    name: str
    space: str
    attributes: dict[str, str]
    start: int
    inner: int
    inner_end: int
    end: int
    line: int
    parent: "Element | None"
    children: list["Element"] = field(default_factory=list)

    @property
    def is_empty_tag(self) -> bool:
        """Whether it is written <x/>."""
        return self.inner == self.end

    def child(self, name: str) -> "Element | None":
        """The first element of a name and of its own namespace within it."""
        return next((each for each in self.children if each.name == name and each.space == self.space), None)

    def said(self, attribute: str) -> str:
        """What an attribute says, here or around; empty if it is nowhere."""
        element: Element | None = self
        while element is not None:
            if attribute in element.attributes:
                return element.attributes[attribute]
            element = element.parent
        return ""

    def walk(self) -> list["Element"]:
        """It and all within it, in the order of their start tags."""
        found, open_elements = [], [self]
        while open_elements:
            element = open_elements.pop()
            found.append(element)
            open_elements += reversed(element.children)
        return found


@dataclass(frozen=True)
class XmlFile:
    """A file and its elements.

    Attributes:
        data: its text in UTF-8, to which places refer.
        root: the root element.
    """

    data: bytes
    root: Element
    mark: bytes
    encoding: str

    def encoded(self, data: bytes) -> bytes:
        """Other data as the file was encoded; a letter that the encoding has not is written as a reference."""
        return self.mark + data.decode().encode(self.encoding, "xmlcharrefreplace")


def xml_file(name: str, content: bytes) -> XmlFile:
    """Parse a file; entities that it declares are refused.

    Raises:
        DataError: if it is damaged, with the line, or is in an encoding that is not known.
    """
    mark, encoding = next(((mark, each) for mark, each in _MARKS if content.startswith(mark)), (b"", ""))
    body = content[len(mark) :]
    if not encoding:
        declared = _DECLARED.match(body)
        encoding = declared[1].decode() if declared else "utf-8"
    try:
        text = body.decode(encoding)
        whole = text.encode(encoding) == body
    except (LookupError, UnicodeError) as error:
        raise DataError(name, f"is not in the encoding that it declares, {encoding}: {clipped(str(error))}") from None
    if not whole:
        raise DataError(name, f"is in {encoding}, which cannot be written again as it is: convert it to UTF-8")
    data = text.encode()
    return XmlFile(data, _tree(name, data), mark, encoding)


def _tree(name: str, data: bytes) -> Element:
    parser = expat.ParserCreate("utf-8", " ")
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    roots: list[Element] = []
    current: Element | None = None

    def started(full: str, attributes: dict[str, str]) -> None:
        nonlocal current
        space, _, local = full.rpartition(" ")
        start = parser.CurrentByteIndex
        tag = _TAG.match(data, start)
        assert tag is not None
        current = Element(
            local, space, attributes, start, tag.end(), tag.end(), tag.end(), parser.CurrentLineNumber, current
        )
        (roots if current.parent is None else current.parent.children).append(current)

    def ended(_: str) -> None:
        nonlocal current
        assert current is not None
        if data[current.inner - 2 : current.inner] != b"/>":
            current.inner_end = parser.CurrentByteIndex
            current.end = data.index(b">", current.inner_end) + 1
        current = current.parent

    def declared(*_: object) -> None:
        raise DataError(name, "declares entities of its own in a DTD, which are not read: replace them by their text")

    parser.StartElementHandler, parser.EndElementHandler, parser.EntityDeclHandler = started, ended, declared
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise DataError(name, f"damaged XML: {expat.ErrorString(error.code)}", error.lineno) from None
    return roots[0]
