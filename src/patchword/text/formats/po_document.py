"""A PO file whose untranslated and fuzzy messages are filled, in its own encoding, wrapping and line ends."""

import re
from collections.abc import Sequence

from patchword.text.formats.catalog_encoding import Decoded, decoded
from patchword.text.formats.document import Edit, Wanted, edited
from patchword.text.formats.placeholders import same
from patchword.text.formats.plurals import Plurals
from patchword.text.formats.po_entries import Entry, entries_of, written

# For the reader of a fuzzy message; msgmerge drops it with the flag's cause, so it does not outlive its sentence.
MARK = "#. machine translation"

_LANGUAGE = re.compile(r"^Language:[ \t]*(\S+)", re.MULTILINE)
_SOURCE = re.compile(r"^X-Source-Language:[ \t]*(\S+)", re.MULTILINE)


class PoDocument:
    """See `document.Document`; a message that a machine has translated before is finished.

    A filled message is fuzzy, and has the comment `MARK`. The header stays as it is, but for a template's CHARSET.

    Args:
        name: of the file.
        content: its bytes.

    Raises:
        DataError: if it cannot be decoded, or a line is none of a PO file.
    """

    def __init__(self, name: str, content: bytes) -> None:
        self.name = name
        self.notes: list[str] = []
        self.wanted: list[Wanted] = []
        self.finished = 0
        self._file: Decoded = decoded(name, content)
        entries = entries_of(self._file.text, name)
        header = next((entry.targets[0].value for entry in entries if entry.is_header and 0 in entry.targets), "")
        languages = [found[1] if (found := form.search(header)) else "" for form in (_SOURCE, _LANGUAGE)]
        self.languages = (languages[0], languages[1])
        plurals = Plurals.of_header(header)
        for entry in entries:
            if not entry.is_header and entry.source is not None:
                self._want(entry, plurals)

    def _want(self, entry: Entry, plurals: Plurals) -> None:
        assert entry.source is not None
        forms = (plurals.count or len(entry.targets)) if entry.forms else 1
        machine = any(text.strip() == MARK for _, text in entry.comments)
        again = "fuzzy" in entry.flags and not machine
        count = 0
        for form in range(forms):
            target = entry.targets.get(form)
            if entry.source.value.strip() and (again or target is None or not target.value):
                self.wanted.append(Wanted(entry.line, _source(entry, form, forms, plurals), entry.line, (entry, form)))
                count += 1
        self.finished += not count

    def refusal(self, wanted: Wanted, text: str) -> str | None:
        """See `Document.refusal`."""
        if re.search("[\a\b\f\v]", wanted.text):
            return "has control characters"
        try:
            self._file.encoded(text)
        except UnicodeEncodeError as error:
            return f"has a translation with {text[error.start]!r}, which the file's {self._file.encoding} has not"
        return None

    def filled(self, answers: Sequence[str | None]) -> bytes:
        """See `Document.filled`."""
        edits: list[Edit] = []
        marked: set[int] = set()
        for wanted, answer in zip(self.wanted, answers, strict=True):
            entry, form = wanted.place
            if answer is None:
                continue
            if id(entry) not in marked:
                marked.add(id(entry))
                edits += _marks(entry)
            edits += _target(entry, form, answer)
        start, end = self._file.charset or (0, 0)
        if edits and self._file.text[start:end] == "CHARSET":
            edits.append(Edit(start, end, "UTF-8"))
            self.notes.append("the header's CHARSET is UTF-8 now")
        return self._file.encoded(edited(self._file.text, _joined(edits)))


def _source(entry: Entry, form: int, forms: int, plurals: Plurals) -> str:
    """What a form translates: the singular if it is for one thing, and as well for 21 if both have a number in them."""
    assert entry.source is not None
    singular = entry.source.value
    if entry.plural is None:
        return singular
    for_one = forms > 1 and form == plurals.form(1, forms)
    alike = plurals.for_one_alone(form, forms) or same(singular, entry.plural.value)
    return singular if for_one and alike else entry.plural.value


def _target(entry: Entry, form: int, answer: str) -> list[Edit]:
    value = written(answer, entry.end_of_line)
    target = entry.targets.get(form)
    if target is not None:
        return [Edit(target.start, target.end, value)]
    last = entry.targets[max(entry.targets)].end
    return [Edit(last, last, f"{entry.end_of_line}msgstr[{form}] {value}")]


def _marks(entry: Entry) -> list[Edit]:
    """The comment and the flag, each where gettext's tools put it."""
    edits = []
    comments = [(place, text.lstrip()) for place, text in entry.comments]
    if not any(text == MARK for _, text in comments):
        place = next((place for place, text in comments if text.startswith(("#:", "#,", "#=", "#|"))), entry.start)
        edits.append(Edit(place, place, MARK + entry.end_of_line))
    if "fuzzy" not in entry.flags:
        flags = next(((place, text) for place, text in entry.comments if text.lstrip().startswith("#,")), None)
        if flags is not None:
            behind = flags[0] + flags[1].index("#,") + 2
            edits.append(Edit(behind, behind, " fuzzy,"))
        else:
            place = next((place for place, text in comments if text.startswith("#|")), entry.start)
            edits.append(Edit(place, place, "#, fuzzy" + entry.end_of_line))
    return edits


def _joined(edits: Sequence[Edit]) -> list[Edit]:
    """Insertions at one place as one, in their order."""
    found: dict[tuple[int, int], str] = {}
    for edit in edits:
        found[edit.start, edit.end] = found.get((edit.start, edit.end), "") + edit.text
    return [Edit(start, end, text) for (start, end), text in found.items()]
