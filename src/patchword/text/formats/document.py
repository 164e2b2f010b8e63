"""A translators' file to be filled: what in it is untranslated, and its bytes with translations in those places."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Wanted:
    """A text that nobody has translated.

    Attributes:
        line: where it begins in the file.
        text: to be translated; inline elements of a document are letters of private use in it.
        group: texts of one number are filled together or not at all, such as a message's plural forms.
        place: whatever the document finds it by.
    """

    line: int
    text: str
    group: int
    place: Any = field(repr=False)


@dataclass(frozen=True)
class Edit:
    """Bytes or characters to be replaced.

    Attributes:
        start: of what is replaced.
        end: behind it.
        text: in its place.
    """

    start: int
    end: int
    text: str


class Document(Protocol):
    """A file whose untranslated texts are known.

    Attributes:
        name: of the file.
        languages: of source and target as the file says; empty where it does not.
        wanted: what is to be translated, in order.
        finished: how many texts are not, since they have a translation or are not for any.
        notes: what was done to the file besides, a sentence each.
    """

    name: str
    languages: tuple[str, str]
    wanted: list[Wanted]
    finished: int
    notes: list[str]

    def refusal(self, wanted: Wanted, text: str) -> str | None:
        """Why the file cannot hold a translation; None if it can."""

    def filled(self, answers: Sequence[str | None]) -> bytes:
        """The file with translations, marked as a machine's; all else is as it was, byte for byte.

        Args:
            answers: one for each that is wanted; None leaves it as it is.
        """


def edited(text: str, edits: Sequence[Edit]) -> str:
    """A text with some places replaced, none of which is within another."""
    parts, done = [], 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        assert edit.start >= done
        parts += [text[done : edit.start], edit.text]
        done = edit.end
    return "".join([*parts, text[done:]])
