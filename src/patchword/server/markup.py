"""HTML as the texts in it, and put together again with other texts.

What browsers read as tags, comments and raw text is kept letter by letter, whatever is wrong with it, and everything
else is text. The time grows as the document does: nothing is looked for that is not there, and nothing is read twice.
"""

import html
import re
from collections.abc import Iterator, Sequence

_UNTRANSLATED = frozenset(("script", "style", "code", "pre", "textarea", "svg", "math"))  # elements
_RAW = frozenset(("script", "style", "textarea", "xmp", "iframe", "noembed", "noframes"))  # have no tags but their end
_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
)

_COMMENT_END = re.compile("--!?>")
_NAME = re.compile(r"</?([a-zA-Z][^\s/>]*)")
_ATTRIBUTE = re.compile(r"[\s/]*([^\s/>][^\s/>=]*)(?:\s*=\s*)?")
_UNQUOTED = re.compile(r"[^\s>]*")
_TAG_END = re.compile(r"[\s/]*>")
_RAW_ENDS = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in _RAW}
_LONGEST_REFERENCE = 33  # characters of a name such as &nbsp;, from & to ;


class Markup:
    """A piece of HTML.

    Args:
        source: as it was given.

    Attributes:
        texts: those between tags that are to be translated, without the white space around each.
    """

    def __init__(self, source: str) -> None:
        self.texts: list[str] = []
        self._pieces: list[str | int] = []  # as it stands, or the number of a text
        self._raw: list[str] = []  # of each text, as it stands
        inside, depth = "", 0  # the outermost element that is not translated
        tokens = _Tokens(source)
        for piece, name, opens in tokens:
            if name is None and not inside:
                self._add(piece)
                continue
            self._pieces.append(piece)
            if inside:
                depth += opens if name == inside else 0
                inside = inside if depth else ""
            elif opens > 0 and name not in _VOID and (name in _UNTRANSLATED or tokens.says_no):
                inside, depth = name or "", 1

    def with_texts(self, texts: Sequence[str]) -> str:
        """The same with other texts; where one is what it was, not a letter changes.

        Args:
            texts: as many as there are.
        """
        return "".join(piece if isinstance(piece, str) else self._with(piece, texts[piece]) for piece in self._pieces)

    def _with(self, number: int, text: str) -> str:
        return self._raw[number] if text == self.texts[number] else html.escape(text, quote=False)

    def _add(self, raw: str) -> None:
        """A text and the white space around it, which may be written as references."""
        start, end = _bare(raw)
        text = _unescaped(raw[start:end])
        if not any(map(str.isalpha, text)):
            self._pieces.append(raw)
            return
        self._pieces += [raw[:start], len(self.texts), raw[end:]]
        self.texts.append(text)
        self._raw.append(raw[start:end])


class _Tokens:
    """What HTML is made of, in order: (piece, name, opens), put together the source.

    The name is None of a text and empty of what is neither text nor tag; `opens` is 1 for a tag that begins an
    element, -1 for one that ends it, else 0.

    Attributes:
        says_no: whether the newest tag has translate="no".
    """

    def __init__(self, source: str) -> None:
        self._source = source
        # Where there is one for the last time, so that nobody looks for what does not come.
        self._last = {end: source.rfind(end) for end in (">", "]]>", '"', "'")}
        self._last_comment_end = max(map(source.rfind, ("-->", "--!>")))
        self.says_no = False

    def __iter__(self) -> Iterator[tuple[str, str | None, int]]:
        source, done, place = self._source, 0, 0
        while (place := source.find("<", place)) >= 0:
            found = self._after(place)
            if found is None:
                place += 1  # no more than text
                continue
            end, name, opens = found
            if done < place:
                yield source[done:place], None, 0
            yield source[place:end], name, opens
            done = place = end
            if opens > 0 and name in _RAW:
                closed = _RAW_ENDS[name].search(source, end)
                place = closed.start() if closed else len(source)
                if done < place:
                    yield source[done:place], "", 0
                done = place
        if done < len(source):
            yield source[done:], None, 0

    def _after(self, place: int) -> tuple[int, str, int] | None:
        """Where what begins with "<" at a place ends, its name, and what it opens; None if it is text."""
        source = self._source
        if source.startswith("<!--", place):
            if source.startswith((">", "->"), place + 4):
                return source.index(">", place + 4) + 1, "", 0
            if self._last_comment_end < place + 4:
                return len(source), "", 0
            return _COMMENT_END.search(source, place + 4).end(), "", 0  # type: ignore[union-attr]
        if source.startswith("<![CDATA[", place) and self._last["]]>"] > place:
            return source.index("]]>", place) + 3, "", 0
        if self._last[">"] < place:
            return None
        if name := _NAME.match(source, place):
            closes = source[place + 1] == "/"
            end = self._tag_end(name.end())
            opens = -1 if closes else int(source[end - 2] != "/")
            return end, name[1].lower(), opens
        if source.startswith(("<!", "<?", "</"), place):
            return source.index(">", place) + 1, "", 0
        return None

    def _tag_end(self, place: int) -> int:
        """Behind a tag, of which `place` is within; one that never ends goes to the last ">"."""
        source = self._source
        self.says_no = False
        while not (end := _TAG_END.match(source, place)):
            attribute = _ATTRIBUTE.match(source, place)
            if attribute is None:
                return self._last[">"] + 1
            place = attribute.end()
            if "=" in attribute[0][attribute.end(1) - attribute.start() :]:
                start, place = place, self._value_end(place)
                value = source[start:place].strip("\"'").lower()
                self.says_no |= attribute[1].lower() == "translate" and value == "no"
        return end.end()

    def _value_end(self, place: int) -> int:
        quote = self._source[place : place + 1]
        if quote in ('"', "'") and self._last[quote] > place:
            return self._source.index(quote, place + 1) + 1
        return _UNQUOTED.match(self._source, place).end()  # type: ignore[union-attr]


def _bare(raw: str) -> tuple[int, int]:
    """Where a text begins and ends without the white space around it, which may be written as &nbsp; and the like."""
    start, end = 0, len(raw)
    while start < end:
        size = 1
        if raw[start] == "&":
            size = raw.find(";", start, start + _LONGEST_REFERENCE) + 1 - start
        if size < 1 or not _unescaped(raw[start : start + size]).isspace():
            break
        start += size
    while start < end:
        size = 1
        if raw[end - 1] == ";":
            size = end - raw.rfind("&", max(start, end - _LONGEST_REFERENCE), end)
        if size > end or not _unescaped(raw[end - size : end]).isspace():
            break
        end -= size
    return start, end


def _unescaped(raw: str) -> str:
    try:
        return html.unescape(raw)
    except ValueError:  # a number of thousands of digits
        return raw
