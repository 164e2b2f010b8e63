"""Filling translators' files: what is untranslated gets a translation, and everything else keeps its bytes."""

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from patchword.errors import DataError
from patchword.text.files import Damage
from patchword.text.formats.document import Document, Wanted
from patchword.text.formats.kinds import PO, XLIFF, kind_of
from patchword.text.formats.languages import matching
from patchword.text.formats.po import po_store, texts_of
from patchword.text.formats.po_document import PoDocument
from patchword.text.formats.protection import Translate, translate_protected
from patchword.text.formats.xliff import segments_of, xliff_store
from patchword.text.language import language_code, said

AT_ONCE = 512  # texts that are translated together


@dataclass(frozen=True)
class Filled:
    """A file that was filled.

    Attributes:
        content: its bytes.
        filled: how many texts a machine has translated now.
        finished: how many were not to be.
        left: texts that stay untranslated, and why.
        notes: what else was done to the file, a sentence each.
    """

    content: bytes
    filled: int
    finished: int
    left: tuple[Damage, ...]
    notes: tuple[str, ...]


class Filling:
    """A file on its way to be filled.

    Args:
        name: of the file.
        content: its bytes.
        languages: of the translator, which must be the file's where both say them.

    Attributes:
        wanted: how many texts are to be translated.

    Raises:
        DataError: if it is no PO or XLIFF file that can be read, or is of other languages.
    """

    def __init__(self, name: str, content: bytes, languages: tuple[str, str]) -> None:
        if content.startswith(b"\x1f\x8b"):
            raise DataError(name, "is packed; unpack it, so that what is not translated can stay as it is")
        kind = kind_of(name, io.BufferedReader(io.BytesIO(content)))
        if kind not in (PO, XLIFF):
            raise DataError(name, f"is {kind or 'of another kind'}; only PO and XLIFF have places to be filled")
        self._kind, self._name = kind, name
        self._before = _reading(kind, name, content)
        self._document: Document = PoDocument(name, content) if kind == PO else _xliff(name, content)
        _check_languages(name, self._document.languages, languages)
        self.wanted = len(self._document.wanted)
        self._answers: list[str | None] = []
        self._left: list[Damage] = []

    def translate(self, translate: Translate) -> Iterator[int]:
        """Translate what is wanted; says how many texts are done, piece by piece."""
        wanted = self._document.wanted
        while (done := len(self._answers)) < self.wanted:
            chunk = wanted[done : done + AT_ONCE]
            found = translate_protected([each.text for each in chunk], translate)
            for each, (answer, problem) in zip(chunk, found, strict=True):
                why = problem or self._document.refusal(each, answer or "")
                self._answers.append(None if why else answer)
                if why:
                    self._left.append(Damage(self._name, each.line, f"left untranslated: {why}"))
            yield len(chunk)

    def _pairs(self) -> list[tuple[Wanted, str | None]]:
        return list(zip(self._document.wanted, self._answers, strict=True))

    def result(self) -> Filled:
        """The filled file, read once more by translate-toolkit and compared with what it was.

        Raises:
            DataError: if more would have changed than was asked.
        """
        missing = {each.group for each, answer in self._pairs() if answer is None}
        for place, (each, answer) in enumerate(self._pairs()):
            if answer is not None and each.group in missing:
                self._answers[place] = None
                self._left.append(Damage(self._name, each.line, "left untranslated: another of its forms is"))
        content = self._document.filled(self._answers)
        after = _reading(self._kind, self._name, content)
        changed = sum(old != new for old, new in zip(self._before, after, strict=False))
        given = Counter(answer is not None for answer in self._answers)
        same = all(old[0] == new[0] for old, new in zip(self._before, after, strict=False))
        if len(self._before) != len(after) or not same or changed > given[True]:
            raise DataError(self._name, "is written in a way in which not only what is untranslated would change")
        return Filled(content, given[True], self._document.finished, tuple(self._left), tuple(self._document.notes))


def _xliff(name: str, content: bytes) -> Document:
    from patchword.text.formats.xliff_document import XliffDocument

    return XliffDocument(name, content)


def _check_languages(name: str, own: tuple[str, str], translators: tuple[str, str]) -> None:
    for side, language, wanted in zip(("from", "into"), own, translators, strict=True):
        known = language_code(language) is not None and said(wanted) is not None and language_code(wanted) is not None
        if known and not matching(wanted, (language,)):
            raise DataError(name, f"is translated {side} {language}, and the model translates {side} {wanted}")


def _reading(kind: str, name: str, content: bytes) -> Sequence[tuple[object, object]]:
    """What a file says to translate-toolkit: of each unit what it is, and its translation."""
    if kind == PO:
        units = po_store(name, content).units
        return [
            ((texts_of(unit.source), unit.getcontext(), unit.isobsolete()), (texts_of(unit.target), unit.isfuzzy()))
            for unit in units
            if not unit.isheader()
        ]
    found = [segment for unit in xliff_store(name, content).units for segment in segments_of(unit)]
    return [((each.source, each.for_translation), each.target or "") for each in found]
