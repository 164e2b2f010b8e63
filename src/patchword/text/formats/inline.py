"""The text of a segment in which inline elements stand for a document's codes: the words alone, alike on both sides.

What an element says of the document (`<ph>`, `<bpt>`, `<x/>` and their like) goes with what is in it; what an element
wraps (`<g>`, `<mrk>`, `<hi>`, `<pc>`) stays. Where a code alone parted two words, a blank does.
"""

import html
import re
from collections.abc import Iterator
from typing import Any

# Codes that stand alone: a line break, a variable, a picture.
STANDALONE = frozenset(("ph", "x", "ut", "cp"))
# Those that begin or end a formatting, which can be within a word.
PAIRED = frozenset(("bpt", "ept", "it", "bx", "ex", "sc", "ec", "sm", "em"))

_CODE = "\0"  # which XML cannot hold
_BETWEEN = re.compile(r"([ \t\xa0]*)\0(?:[ \t\xa0]*\0)*([ \t\xa0]*)")
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"


def text_of(element: Any, preserve: bool) -> str:
    """The words of an lxml element.

    Args:
        element: such as <seg>, <source> or <target>.
        preserve: whether white space is as it is meant to be; otherwise each run of it is a blank, and none is around.
    """
    if not len(element):  # most have none
        text = element.text or ""
        return text if preserve else " ".join(text.split())
    joined = _BETWEEN.sub(lambda found: _instead(found, found.string), "".join(_pieces(element)))
    return joined if preserve else " ".join(joined.split())


def preserves_space(element: Any, default: bool) -> bool:
    """What xml:space says of an element, by itself or around it."""
    while element is not None:
        if said := element.get(_SPACE):
            return bool(said == "preserve")
        element = element.getparent()
    return default


def local_name(element: Any) -> str:
    """An element's name without its namespace; empty of what is no element."""
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def _pieces(element: Any) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        name = local_name(child)
        if name in STANDALONE:
            yield _CODE
        elif name:
            yield from () if name in PAIRED else _pieces(child)
        elif (child.text or "").startswith("&"):  # an entity that nobody declared, such as &nbsp;
            yield html.unescape(child.text)
        yield child.tail or ""


def _instead(found: "re.Match[str]", whole: str) -> str:
    """What stands in a code's place: a blank between words, if there was none."""
    if found[1] or found[2]:
        return found[1] or found[2]
    before, after = whole[found.start() - 1 : found.start()], whole[found.end() : found.end() + 1]
    words = before.isalnum() and after.isalnum() and max(before, after) < "\u2e80"
    return " " if words else ""
