"""An XLIFF file whose untranslated segments are filled; every other byte stays as it is."""

import re
from collections.abc import Sequence
from xml.sax.saxutils import quoteattr

from patchword.errors import DataError
from patchword.text.formats.codes import Content
from patchword.text.formats.document import Wanted
from patchword.text.formats.xliff import TO_TRANSLATE
from patchword.text.formats.xml_tree import Element, xml_file

_SPACE = "http://www.w3.org/XML/1998/namespace space"
# What says that a machine translated: in 1.2 on <target>, in 2 on <segment>.
TARGET = {"state": "needs-review-translation", "state-qualifier": "mt-suggestion"}
SEGMENT = {"state": "initial", "subState": "patchword:mt"}


class XliffDocument:
    """See `document.Document`; in XLIFF 2 a segment that a machine has translated before is finished.

    A filled target has the attributes `TARGET`, in XLIFF 2 its segment has `SEGMENT`.

    Args:
        name: of the file.
        content: its bytes.

    Raises:
        DataError: if it is no XLIFF, or damaged.
    """

    def __init__(self, name: str, content: bytes) -> None:
        self.name = name
        self.notes: list[str] = []
        self.wanted: list[Wanted] = []
        self.finished = 0
        self._file = xml_file(name, content)
        root = self._file.root
        if root.name != "xliff":
            raise DataError(name, f"holds <{root.name}>; expected <xliff>")
        self._second = root.attributes.get("version", "").startswith("2")
        first = next((each for each in root.children if each.name == "file"), None)
        given = root.attributes if self._second else first.attributes if first else {}
        keys = ("srcLang", "trgLang") if self._second else ("source-language", "target-language")
        self.languages = (given.get(keys[0], ""), given.get(keys[1], ""))
        for element in root.walk():
            if element.name == ("segment" if self._second else "trans-unit") and element.space == root.space:
                self._want(element)

    def _want(self, unit: Element) -> None:
        source, target = unit.child("source"), unit.child("target")
        if source is None or unit.said("translate").lower() == "no" or _is_locked(unit):
            self.finished += 1
            return
        state = (unit if self._second else target or unit).attributes.get("state", "")
        ours = unit.attributes.get("subState") == SEGMENT["subState"]
        again = (state == "initial" and not ours) if self._second else state in TO_TRANSLATE
        segments = _segments(unit.child("seg-source"))
        done = {} if target is None else _segments(target)
        # Trados' own of each segment, in <sdl:seg-defs>.
        locked = {each.attributes.get("id") for each in unit.walk() if each.name == "seg" and _is_locked(each)}
        count = 0
        for number, segment in (segments or {"": source}).items():
            found = done.get(number) if segments else target
            content = Content(segment, self._file.data, unit.said(_SPACE) == "preserve")
            if (
                number not in locked
                and content.text.strip()
                and (again or found is None or not self._inner(found).strip())
            ):
                self.wanted.append(Wanted(segment.line, content.text, segment.start, (unit, segment, content)))
                count += 1
        self.finished += not count

    def refusal(self, wanted: Wanted, text: str) -> str | None:
        """See `Document.refusal`."""
        return "has too many inline elements" if wanted.place[2].too_many else None

    def filled(self, answers: Sequence[str | None]) -> bytes:
        """See `Document.filled`."""
        units: dict[int, tuple[Element, dict[int, str]]] = {}
        for wanted, answer in zip(self.wanted, answers, strict=True):
            unit, segment, content = wanted.place
            if answer is not None:
                units.setdefault(id(unit), (unit, {}))[1][segment.start] = content.written(answer)
        edits = [edit for unit, texts in units.values() for edit in self._edits(unit, texts)]
        parts, done = [], 0
        for start, end, text in sorted(edits):
            parts += [self._file.data[done:start], text.encode()]
            done = end
        return self._file.encoded(b"".join([*parts, self._file.data[done:]]))

    def _edits(self, unit: Element, texts: dict[int, str]) -> list[tuple[int, int, str]]:
        source, target, cut = unit.child("source"), unit.child("target"), unit.child("seg-source")
        assert source is not None
        edits = [self._marked(unit, SEGMENT)] if self._second else []
        attributes = {} if self._second else TARGET
        segments = _segments(cut)
        done = {} if target is None else _segments(target)
        if target is not None and segments and done:
            edits += [self._marked(target, attributes)] if attributes else []
            for number, segment in segments.items():
                if segment.start in texts and number in done:
                    edits += self._inside(done[number], texts[segment.start])
            return edits
        content = texts.get(source.start) if not segments else self._copied(cut, segments, texts)
        assert content is not None
        if target is not None:
            start, end, tag = self._marked(target, attributes)
            if target.is_empty_tag:
                return [*edits, (start, end, f"{_opened(tag)}{content}</{_name(tag)}>")]
            return [*edits, (start, end, tag), (target.inner, target.inner_end, content)]
        # As its source is written: with its prefix, on a line of its own if that is.
        name = _name(self._raw(source)).replace("source", "target")
        before = re.search(rb"[ \t\r\n]*\Z", self._file.data[: source.start][-200:])
        assert before is not None
        given = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
        behind = (cut or source).end
        return [*edits, (behind, behind, f"{before[0].decode()}<{name}{given}>{content}</{name}>")]

    def _copied(self, cut: Element | None, segments: dict[str, Element], texts: dict[int, str]) -> str:
        """<seg-source>'s content with translations in its segments; those that have none are empty."""
        assert cut is not None
        parts, done = [], cut.inner
        for segment in segments.values():
            parts += [self._file.data[done : segment.inner].decode(), texts.get(segment.start, "")]
            done = segment.inner_end
        return "".join([*parts, self._file.data[done : cut.inner_end].decode()])

    def _inside(self, element: Element, content: str) -> list[tuple[int, int, str]]:
        if not element.is_empty_tag:
            return [(element.inner, element.inner_end, content)]
        tag = self._raw(element)
        return [(element.start, element.end, f"{_opened(tag)}{content}</{_name(tag)}>")]

    def _marked(self, element: Element, attributes: dict[str, str]) -> tuple[int, int, str]:
        """An element's start tag with other attributes; those that it has keep their places."""
        tag = self._raw(element)
        for key, value in attributes.items():
            given = re.compile(rf"(\s{re.escape(key)}\s*=\s*)(\"[^\"]*\"|'[^']*')")
            if found := given.search(tag):
                tag = tag[: found.start(2)] + quoteattr(value) + tag[found.end(2) :]
            else:
                end = re.search(r"\s*/?>\Z", tag)
                assert end is not None
                tag = f"{tag[: end.start()]} {key}={quoteattr(value)}{end[0]}"
        return element.start, element.inner, tag

    def _raw(self, element: Element) -> str:
        """An element's start tag."""
        return self._file.data[element.start : element.inner].decode()

    def _inner(self, element: Element) -> str:
        return self._file.data[element.inner : element.inner_end].decode()


def _is_locked(element: Element) -> bool:
    """Whether Trados, Phrase or memoQ say that nobody is to change it."""
    named = {name.rpartition(" ")[2]: value.lower() for name, value in element.attributes.items()}
    return named.get("locked", "") in ("true", "yes", "locked")


def _segments(element: Element | None) -> dict[str, Element]:
    """<mrk mtype="seg"> by their numbers."""
    found = [] if element is None else element.walk()
    marked = [each for each in found if each.name == "mrk" and each.attributes.get("mtype") == "seg"]
    return {each.attributes.get("mid", ""): each for each in marked}


def _opened(tag: str) -> str:
    return re.sub(r"\s*/>\Z", ">", tag)


def _name(tag: str) -> str:
    found = re.match(r"<([^\s/>]+)", tag)
    assert found is not None
    return found[1]
