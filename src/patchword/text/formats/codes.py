"""A segment's content as a text in which every inline element is a letter of private use, and back."""

import html
import re
from xml.sax.saxutils import escape

from patchword.text.formats.inline import PAIRED, STANDALONE
from patchword.text.formats.xml_tree import Element

_FIRST, _MOST = 0xF0000, 4000
_TOKENS = re.compile(r"<!\[CDATA\[(.*?)\]\]>|(<!--.*?-->|<\?.*?\?>)|(&[^;]+;)|([^<&]+)", re.DOTALL)


class Content:
    """What is within a <source> or one of its segments.

    Args:
        element: that it is within.
        data: of the whole file.
        preserve: whether white space is as it is meant; otherwise a run of it is a blank.

    Attributes:
        text: the words; each tag or code is a letter from U+F0000 on.
    """

    def __init__(self, element: Element, data: bytes, preserve: bool) -> None:
        self._codes: list[str] = []
        self._data = data
        text = self._read(element)
        self.text = text if preserve else re.sub(r"[ \t\r\n]+", " ", text)

    @property
    def too_many(self) -> bool:
        """Whether it has more codes than can be told apart."""
        return len(self._codes) > _MOST

    def written(self, text: str) -> str:
        """A text in which the codes' letters stand, as XML."""
        escaped = escape(text).replace("\r", "&#13;")
        return re.sub("[\U000f0000-\U000ffffd]", lambda found: self._codes[ord(found[0]) - _FIRST], escaped)

    def _read(self, element: Element) -> str:
        parts, done = [], element.inner
        for child in element.children:
            parts.append(self._words(done, child.start))
            protected = child.attributes.get("mtype") == "protected" or child.attributes.get("translate") == "no"
            if child.is_empty_tag or child.name in STANDALONE | PAIRED or protected:
                parts.append(self._code(child.start, child.end))
            else:
                start = self._code(child.start, child.inner)
                parts += [start, self._read(child), self._code(child.inner_end, child.end)]
            done = child.end
        return "".join([*parts, self._words(done, element.inner_end)])

    def _words(self, start: int, end: int) -> str:
        def piece(found: "re.Match[str]") -> str:
            if found[2]:
                return self._add(found[2])
            if found[3]:
                known = html.unescape(found[3])
                return known if known != found[3] else self._add(found[3])
            return found[1] if found[1] is not None else found[4] or ""

        return _TOKENS.sub(piece, self._data[start:end].decode())

    def _code(self, start: int, end: int) -> str:
        return self._add(self._data[start:end].decode())

    def _add(self, code: str) -> str:
        self._codes.append(code)
        return chr(_FIRST + min(len(self._codes) - 1, _MOST))
