"""Where in a PO file each message stands: its lines, as gettext's tools and people write them."""

import re
from dataclasses import dataclass, field

from patchword.errors import DataError, shown

_STRING = r'"((?:[^"\\]|\\.)*)"[ \t\r]*'
_KEYWORD = re.compile(rf"[ \t]*(msgctxt|msgid_plural|msgid|msgstr(?:\[(\d{{1,3}})\])?)[ \t]*{_STRING}")
_MORE = re.compile(rf"[ \t]*{_STRING}")
_ESCAPE = re.compile(r"\\([0-7]{1,3}|x[0-9A-Fa-f]{1,8}|.)", re.DOTALL)
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_WRITTEN = {"\\": "\\\\", '"': '\\"', **{value: f"\\{key}" for key, value in _LETTERS.items()}}


@dataclass
class Field:
    """A keyword with its string.

    Attributes:
        value: the text.
        start: of the first quotation mark, in characters from the file's beginning.
        end: behind the last one.
    """

    value: str
    start: int
    end: int


@dataclass
class Entry:
    """A message.

    Attributes:
        line: of its first keyword, counted from 1.
        start: where that line begins.
        end_of_line: how its lines end.
        comments: the lines before the first keyword, each with where it begins.
        context: msgctxt, if there is one.
        source: msgid.
        plural: msgid_plural, if there is one.
        targets: msgstr under 0, or msgstr[N] under N.
        forms: whether they are msgstr[N].
    """

    line: int = 0
    start: int = 0
    end_of_line: str = "\n"
    comments: list[tuple[int, str]] = field(default_factory=list)
    context: Field | None = None
    source: Field | None = None
    plural: Field | None = None
    targets: dict[int, Field] = field(default_factory=dict)
    forms: bool = False

    @property
    def is_header(self) -> bool:
        """Whether it is the file's header."""
        return self.context is None and self.source is not None and not self.source.value

    @property
    def flags(self) -> set[str]:
        """Such as fuzzy and c-format."""
        lines = [text.lstrip()[2:] for _, text in self.comments if text.lstrip().startswith(("#,", "#="))]
        return {flag.strip() for line in lines for flag in line.split(",")}


def entries_of(text: str, name: str) -> list[Entry]:
    """The messages of a file, without the obsolete ones.

    Args:
        text: of the whole file.
        name: of the file, for messages.

    Raises:
        DataError: if a line is none of a PO file.
    """
    entries: list[Entry] = []
    entry, last = Entry(), None
    place = 0
    for number, line in enumerate(_lines(text), 1):
        bare = line.rstrip("\r\n")
        if bare.lstrip().startswith("#") or not bare.strip():
            if entry.targets:
                entries.append(entry)
                entry = Entry()
            last = None
            if bare.lstrip().startswith("#~"):
                entry.comments.clear()  # they are an obsolete message's
            elif bare.strip():
                entry.comments.append((place, bare))
        elif found := _KEYWORD.fullmatch(bare):
            if entry.targets and not found[1].startswith("msgstr"):
                entries.append(entry)
                entry = Entry()
            if not entry.line:
                entry.line, entry.start, entry.end_of_line = number, place, line[len(bare) :] or "\n"
            quote = place + found.start(3) - 1
            last = Field(_unescaped(found[3]), quote, place + found.end(3) + 1)
            _put(entry, found, last)
        elif (found := _MORE.fullmatch(bare)) and last is not None:
            last.value += _unescaped(found[1])
            last.end = place + found.end(1) + 1
        else:
            raise DataError(name, f"expected msgid, msgstr or a string in quotation marks, not {shown(bare)}", number)
        place += len(line)
    if entry.targets:
        entries.append(entry)
    return entries


def written(text: str, end_of_line: str) -> str:
    """A text as a string of a PO file: on a line, or if it has several, as msgcat breaks it."""
    parts = re.findall(r"[^\n]*\n|[^\n]+", text)
    quoted = ['"' + "".join(_WRITTEN.get(letter, letter) for letter in part) + '"' for part in parts]
    return end_of_line.join(['""', *quoted]) if len(quoted) > 1 else quoted[0] if quoted else '""'


def _put(entry: Entry, found: "re.Match[str]", value: Field) -> None:
    keyword = found[1]
    if keyword == "msgctxt":
        entry.context = value
    elif keyword == "msgid":
        entry.source = value
    elif keyword == "msgid_plural":
        entry.plural = value
    else:
        entry.forms = found[2] is not None
        entry.targets[int(found[2] or 0)] = value


def _lines(text: str) -> list[str]:
    """Lines with their ends; of a file without line feeds, carriage returns end them."""
    return re.findall(r"[^\n]*\n|[^\n]+" if "\n" in text else r"[^\r]*\r|[^\r]+", text)


def _unescaped(text: str) -> str:
    def letter(found: "re.Match[str]") -> str:
        code = found[1]
        if code[0] in "01234567":
            return chr(int(code, 8))
        if code[0] == "x" and len(code) > 1:
            return chr(min(int(code[1:], 16), 0x10FFFF))
        return _LETTERS.get(code, code)

    return _ESCAPE.sub(letter, text)
