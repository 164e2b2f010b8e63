"""Translation memories: TMX 1.1 to 1.4, with any number of languages a unit, of any size."""

from collections import Counter
from collections.abc import Iterator
from typing import IO, Any

from patchword.errors import DataError, clipped
from patchword.text.files import Damage
from patchword.text.formats.content import blocks_of
from patchword.text.formats.inline import local_name, text_of
from patchword.text.formats.languages import chosen, matching, plain
from patchword.text.formats.toolkit import storage
from patchword.text.formats.unit import OTHER_LANGUAGES, UNTRANSLATED, Row, Units
from patchword.text.formats.xml_guard import checked, parsing
from patchword.text.objects import Languages

_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_ANY = "*all*"  # srclang of a memory without a direction
_SAMPLE = 100  # units by which the languages are told

_Texts = tuple[int, dict[str, str]]


def read_tmx(name: str, stream: IO[bytes], languages: Languages) -> Units:
    """A memory's units as pairs; they are parsed one after another.

    Args:
        name: of the file.
        stream: its bytes.
        languages: of source and target, where they are said; `en` is en-US too, if the file has no en. Where they are
            not they are the header's srclang, and the only other one.

    Raises:
        DataError: as the rows are read: damaged XML, no units at all, none in the two languages.
    """
    storage("tmx", name, "TMX")  # lxml comes with it
    units = Units(name)
    units.rows = _rows(units, stream, languages)
    return units


def _rows(units: Units, stream: IO[bytes], said: Languages) -> Iterator[Row | Damage]:
    seen: Counter[str] = Counter()  # languages, by their first spelling
    spelling: dict[str, str] = {}
    header: list[str] = []
    ahead: list[_Texts] = []
    sides: Languages | None = None
    for line, texts in _units(units.name, stream, header):
        seen.update(spelling.setdefault(plain(language), language) for language in texts)
        ahead.append((line, texts))
        if sides is None and len(ahead) < _SAMPLE:
            continue
        sides = sides or _sides(units.name, said, header, seen)
        yield from _pairs(units, ahead, sides)
        ahead.clear()
    if not seen:
        raise DataError(units.name, "holds no translation units (<tu> with <tuv>)")
    sides = sides or _sides(units.name, said, header, seen)
    yield from _pairs(units, ahead, sides)
    if units.languages is None:
        raise _none(units.name, sides, seen)


def _pairs(units: Units, ahead: list[_Texts], sides: Languages) -> Iterator[Row | Damage]:
    for line, texts in ahead:
        source, target = (matching(side or "", tuple(texts)) for side in sides)
        if source is None or target is None or source == target:
            units.left_out[OTHER_LANGUAGES] += 1
            continue
        units.languages = units.languages or (source, target)
        if texts[source].strip() and texts[target].strip():
            yield line, texts[source], texts[target]
        else:
            units.left_out[UNTRANSLATED] += 1


def _sides(name: str, said: Languages, header: list[str], seen: Counter[str]) -> Languages:
    """The languages to look for: what is said, else the header's, else the only two that there are."""
    source, target = said
    if source is None and header and (target is None or matching(target, tuple(header)) is None):
        source = header[0]
    sides = chosen((source, target), list(seen))
    if None in sides:
        raise _none(name, sides, seen)
    return sides


def _none(name: str, sides: Languages, seen: Counter[str]) -> DataError:
    listed = ", ".join(f"{clipped(language)} ({count:,})" for language, count in seen.most_common(12))
    more = ", ..." if len(seen) > 12 else ""
    wanted = f"in both {sides[0] or 'a source'} and {sides[1] or 'a target'} language"
    if None not in sides:
        wanted = f"in both {sides[0]} and {sides[1]}"
    remedy = "say which with --source-language and --target-language"
    return DataError(name, f"no pairs {wanted} were found; its languages are {listed}{more}: {remedy}")


def _units(name: str, stream: IO[bytes], header: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """The line of each unit, and its texts by language as written; the header's is added to `header`."""
    from lxml import etree

    how: dict[str, Any] = {"resolve_entities": False, "no_network": True, "load_dtd": False}
    parser = etree.XMLPullParser(("end",), tag=("{*}header", "{*}tu"), **how)
    for block in checked(blocks_of(stream, name), name, "tmx"):
        with parsing(name):
            parser.feed(block)
            elements = [element for _, element in parser.read_events()]
        for element in elements:
            if local_name(element) == "tu":
                yield element.sourceline or 1, _texts(element)
                _forget(element)
            elif (language := element.get("srclang", "")).lower() not in ("", _ANY):
                header.append(language)
    with parsing(name):
        parser.close()


def _texts(unit: Any) -> dict[str, str]:
    texts: dict[str, str] = {}
    for variant in unit:
        language = variant.get(_LANG) or variant.get("lang") if local_name(variant) == "tuv" else None
        segment = next((child for child in variant if local_name(child) == "seg"), None)
        if language and segment is not None:
            texts.setdefault(language, text_of(segment, preserve=True))
    return texts


def _forget(element: Any) -> None:
    """Let go of a unit that is read, and of what stands before it."""
    element.clear(keep_tail=False)
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]
