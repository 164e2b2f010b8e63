"""Gettext's catalogs: PO, as translate-toolkit reads it, and MO."""

from collections.abc import Iterator, Sequence
from typing import IO, Any

from patchword.errors import DataError, clipped
from patchword.text.files import Damage
from patchword.text.formats.catalog_encoding import decoded
from patchword.text.formats.content import whole
from patchword.text.formats.plurals import Plurals
from patchword.text.formats.toolkit import storage
from patchword.text.formats.unit import OBSOLETE, UNFINISHED, UNTRANSLATED, Row, Units


def read_po(name: str, stream: IO[bytes]) -> Units:
    """A catalog's translated messages as pairs: msgid and msgstr; contexts, comments and the header are passed over.

    Of a message with plural forms there are two pairs: the singular, and the plural with the form that five things
    have; a language with one form has the latter alone.

    Args:
        name: of the file.
        stream: its bytes.

    Raises:
        DataError: if it is no PO file, naming the line, or holds no messages.
    """
    units = Units(name)
    units.rows = _rows(units, po_store(name, whole(stream, name)))
    return units


def read_mo(name: str, stream: IO[bytes]) -> Units:
    """A compiled catalog's messages as pairs, as `read_po`; a message's line is its number among them."""
    units = Units(name)
    store = storage("mo", name, "an MO file").mofile()
    _parse(store, name, whole(stream, name), "MO")
    units.rows = _rows(units, store)
    return units


def po_store(name: str, content: bytes) -> Any:
    """translate-toolkit's pofile of a catalog.

    Raises:
        DataError: if it is none, naming the line, or is not in the encoding that its header says.
    """
    store = storage("pypo", name, "a PO file").pofile()
    # By the toolkit (3.20) only UTF-8 is read wherever its header stands.
    _parse(store, name, decoded(name, content).as_utf8, "PO")
    return store


def _parse(store: Any, name: str, content: bytes, kind: str) -> None:
    try:
        store.parse(content)
    except (UnicodeDecodeError, LookupError) as error:
        raise DataError(name, f"is not in the encoding that its header says: {error}") from None
    except Exception as error:  # of many types, for what is no catalog
        text = clipped(str(error).partition("\n")[0]) or type(error).__name__
        remedy = "; msgunfmt makes a PO file of it" if "version" in text else ""
        raise DataError(name, f"is damaged, or no {kind} file that can be read: {text}{remedy}") from None


def _rows(units: Units, store: Any) -> Iterator[Row | Damage]:
    plurals = Plurals.of_header(header_of(store))
    messages = 0
    for number, unit in enumerate(store.units, 1):
        if unit.isheader() or unit.isblank():
            continue
        messages += 1
        line = getattr(unit, "_line_number", None) or number
        if unit.isobsolete():
            units.left_out[OBSOLETE] += 1
        elif unit.isfuzzy():
            units.left_out[UNFINISHED] += 1
        else:
            yield from _pairs(units, unit, line, plurals)
    if not messages:
        raise DataError(units.name, "holds no messages")


def header_of(store: Any) -> str:
    """The text of a catalog's header; empty if it has none."""
    return next((str(unit.target) for unit in store.units if unit.isheader() and not unit.isobsolete()), "")


def texts_of(text: Any) -> Sequence[str]:
    """The forms of a unit's source or target: one, or several of a message with plurals."""
    strings = getattr(text, "strings", None)
    return [str(each) for each in strings] if strings else [str(text or "")]


def _pairs(units: Units, unit: Any, line: int, plurals: Plurals) -> Iterator[Row]:
    sources, targets = texts_of(unit.source), texts_of(unit.target)
    if len(sources) == 1:
        chosen = [(sources[0], targets[0])]
    else:
        one, five = plurals.form(1, len(targets)), plurals.form(5, len(targets))
        chosen = (
            [(sources[0], targets[one]), (sources[1], targets[five])] if one != five else [(sources[1], targets[five])]
        )
    if not all(target.strip() for _, target in chosen):
        units.left_out[UNTRANSLATED] += 1
        return
    for source, target in chosen:
        if source.strip():
            yield line, source, target
