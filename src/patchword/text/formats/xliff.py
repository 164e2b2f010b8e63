"""XLIFF 1.0 to 1.2 and 2.0 to 2.2, and the dialects of tools (.sdlxliff, .mxliff, .mqxliff), by translate-toolkit."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from patchword.errors import DataError, clipped
from patchword.text.files import Damage
from patchword.text.formats.content import whole
from patchword.text.formats.inline import local_name, preserves_space, text_of
from patchword.text.formats.languages import matching
from patchword.text.formats.toolkit import storage
from patchword.text.formats.unit import NOT_FOR_TRANSLATION, UNFINISHED, UNTRANSLATED, Row, Units
from patchword.text.formats.xml_guard import checked, parsing
from patchword.text.objects import Languages

# States in which a target is no translation yet, in XLIFF 1.2; those that ask for a review hold one.
TO_TRANSLATE = frozenset(("new", "needs-translation", "needs-l10n"))
_UNFINISHED = frozenset(
    ("needs-adaptation", "needs-review-translation", "needs-review-adaptation", "needs-review-l10n")
)
# What Trados, Phrase and memoQ write beside the state: an attribute's local name, and its values before a confirmation.
_OTHERS = {
    "conf": ("Draft", "RejectedTranslation", "RejectedSignOff"),
    "confirmed": ("0", "false"),
    "status": ("NotStarted", "PartiallyEdited", "Pretranslated"),
}


@dataclass(frozen=True)
class Segment:
    """A piece of text with its translation.

    Attributes:
        line: where its unit begins.
        source: its words, without inline elements.
        target: those of the translation; None if there is none.
        state: of the translation, as it is written; empty if nothing is.
        for_translation: whether it is to be translated.
        confirmed: whether no tool's own attribute says that it is not finished.
    """

    line: int
    source: str
    target: str | None
    state: str
    for_translation: bool
    confirmed: bool

    @property
    def to_translate(self) -> bool:
        """Whether nobody has translated it: it has no target, or a state that says so."""
        return self.for_translation and (not (self.target or "").strip() or self.state in TO_TRANSLATE)


def read_xliff(name: str, stream: IO[bytes], languages: Languages = (None, None)) -> Units:
    """A file's translated units as pairs; of units that are cut into segments, the segments.

    A target is used unless its state says that it is unfinished: `new` or any `needs-` in 1.2, `initial` in 2.0. One
    without any state counts as finished, since many tools write none.

    Args:
        name: of the file.
        stream: its bytes.
        languages: of source and target, where they are said; a file of the other direction is read the other way round.

    Raises:
        DataError: damaged XML with its line, a file that is no XLIFF, is of other languages, or has no units.
    """
    units = Units(name)
    store = xliff_store(name, whole(stream, name))
    units.languages, rows = languages_of(store), _rows(units, store)
    if units.languages is None or None in languages:
        units.rows = rows
        return units
    wanted = (languages[0] or "", languages[1] or "")
    turned = (units.languages[1], units.languages[0])
    if all(matching(one, (other,)) for one, other in zip(wanted, units.languages, strict=True)):
        units.rows = rows
    elif all(matching(one, (other,)) for one, other in zip(wanted, turned, strict=True)):
        units.languages = turned
        units.rows = (row if isinstance(row, Damage) else (row[0], row[2], row[1]) for row in rows)
    else:
        found = " to ".join(map(clipped, units.languages))
        raise DataError(name, f"is from {found}; expected {wanted[0]} to {wanted[1]}")
    return units


def xliff_store(name: str, content: bytes) -> Any:
    """translate-toolkit's store of a file, of the module for its version.

    Raises:
        DataError: as `read_xliff`.
    """
    module = storage("xliff", name, "XLIFF")
    content = b"".join(checked(iter([content]), name, "xliff"))
    with parsing(name):
        try:
            return module.Xliff1File(io.BytesIO(content))
        except ValueError as error:
            if "XLIFF 2" not in str(error):
                raise DataError(name, f"is no XLIFF that can be read: {clipped(str(error))}") from None
        except (AssertionError, StopIteration):
            raise DataError(name, "holds no <file> of units within an <xliff> element") from None
        try:
            return storage("xliff2", name, "XLIFF").Xliff2File(io.BytesIO(content))
        except (ValueError, AssertionError, StopIteration) as error:
            raise DataError(
                name, f"is no XLIFF 2: {clipped(str(error)) or 'its root is not in its namespace'}"
            ) from None


def languages_of(store: Any) -> tuple[str, str] | None:
    """The source's and the target's language, if both are written."""
    source, target = store.getsourcelanguage(), store.gettargetlanguage()
    return (source, target) if source and target else None


def _rows(units: Units, store: Any) -> Iterator[Row | Damage]:
    count = 0
    for unit in store.units:
        for segment in segments_of(unit):
            count += 1
            if not segment.for_translation:
                units.left_out[NOT_FOR_TRANSLATION] += 1
            elif not (segment.target or "").strip():
                units.left_out[UNTRANSLATED] += 1
            elif segment.state in TO_TRANSLATE | _UNFINISHED or segment.state == "initial" or not segment.confirmed:
                units.left_out[UNFINISHED] += 1
            elif segment.source.strip():
                yield segment.line, segment.source, segment.target or ""
    if not count:
        raise DataError(units.name, "holds no units to translate (<trans-unit>, or <segment> in XLIFF 2)")


def segments_of(unit: Any) -> Iterator[Segment]:
    """The segments of one of the toolkit's units: itself, or the marked ones of <seg-source>."""
    element = unit.xmlelement
    source, target, cut = (_child(element, name) for name in ("source", "target", "seg-source"))
    if source is None:
        return
    preserve = preserves_space(element, default=False)
    state = (target.get("state") if target is not None else None) or element.get("state") or ""
    free = _translatable(element)
    sources = {} if cut is None else _marked(cut)
    if not sources:
        text = None if target is None else text_of(target, preserve)
        yield Segment(element.sourceline or 1, text_of(source, preserve), text, state, free, _confirmed(element))
        return
    targets = {} if target is None else _marked(target)
    told = {
        each.get("id"): each for each in element.iter() if local_name(each) == "seg"
    }  # Trados' own, in <sdl:seg-defs>
    for number, marked in sources.items():
        found = targets.get(number)
        text = None if found is None else text_of(found, preserve)
        sure = _confirmed(element) and (number not in told or _confirmed(told[number]))
        yield Segment(marked.sourceline or 1, text_of(marked, preserve), text, state, free, sure)


def _child(element: Any, name: str) -> Any:
    return next((child for child in element if local_name(child) == name), None)


def _marked(element: Any) -> dict[str, Any]:
    """The outermost <mrk mtype="seg"> by their numbers."""
    found = (each for each in element.iter() if local_name(each) == "mrk" and each.get("mtype") == "seg")
    return {each.get("mid", ""): each for each in found}


def _translatable(element: Any) -> bool:
    """What the nearest translate="..." says, of the element or around it."""
    while element is not None:
        if said := element.get("translate"):
            return bool(said.lower() != "no")
        element = element.getparent()
    return True


def _confirmed(element: Any) -> bool:
    named = {name.rpartition("}")[2]: value for name, value in element.attrib.items()}
    return not any(named.get(name) in values for name, values in _OTHERS.items())
