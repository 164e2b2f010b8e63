"""Texts translated such that each has its placeholders and tags, or is not translated at all."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from patchword.text.formats import placeholders as marks

Translate = Callable[[list[str]], list[tuple[str, str | None]]]
"""Texts to translations, each with the reason why there is none."""

# White space and codes around a text.
_EDGES = re.compile(rf"\A((?:\s|{marks.CODE})*)(.*?)((?:\s|{marks.CODE})*)\Z", re.DOTALL)
_PIECE = re.compile(r"\A(\s*)(.*?)(\s*)\Z", re.DOTALL)


@dataclass
class _Work:
    """A text on its way: what stands around it, its own words, and its parts if it was cut."""

    before: str
    core: str
    after: str
    mark: str = ""
    letter: str = ""
    answer: str | None = None
    problem: str = ""

    @classmethod
    def of(cls, text: str) -> "_Work":
        found = _EDGES.match(text)
        assert found is not None
        core, mark, letter = marks.without_accelerator(found[2])
        return cls(found[1], core, found[3], mark, letter)

    def accept(self, text: str) -> bool:
        """Take a translation of the core, if it has what it must."""
        if not text.strip() or not marks.same(self.core, text) or not _is_plain(text):
            return False
        labelled = marks.with_accelerator(text, self.mark, self.letter) if self.mark else text
        if labelled is None:
            return False
        self.answer = self.before + labelled + self.after
        return True


def translate_protected(texts: Sequence[str], translate: Translate) -> list[tuple[str | None, str]]:
    """Translate texts with placeholders.

    A text is translated as it is first. If a placeholder is missing then, changed or new, or if it has tags, the parts
    between them are translated, and put together in the source's order.

    Args:
        texts: see `placeholders` for what is kept in them.
        translate: of texts without any markup.

    Returns:
        of each text its translation, or None and why.
    """
    works = [_Work.of(text) for text in texts]
    for work in works:
        if marks.is_message(work.core):
            work.problem = "is a message with choices in braces"
        elif not _has_words(work.core):
            work.answer = work.before + work.core + work.after
    whole = [work for work in works if _open(work) and not marks.has_markup(work.core)]
    for work, (text, error) in zip(whole, translate([work.core for work in whole]), strict=True):
        if not work.accept(_on_one_line(text, work.core)) and (error or not marks.found_in(work.core)):
            work.problem = error or "has no translation, or one with placeholders that the source has not"
    cut = [work for work in works if _open(work)]
    _translate_parts(cut, translate)
    return [(work.answer, work.problem) for work in works]


def _translate_parts(works: Sequence[_Work], translate: Translate) -> None:
    flat = [piece for work in works for part, kept in marks.parts_of(work.core) for piece in _pieces(part, kept)]
    wanted = [piece for piece, translated in flat if translated]
    found = iter(translate(wanted))
    for work in works:
        parts: list[str] = []
        for part, kept in marks.parts_of(work.core):
            for piece, translated in _pieces(part, kept):
                text, error = next(found) if translated else (piece, None)
                work.problem = work.problem or error or ""
                parts.append(_on_one_line(text.strip(), piece) if translated else text)
        if not work.problem and not work.accept("".join(parts)):
            work.problem = "has a translation without the placeholders of its source"


def _pieces(part: str, kept: bool) -> list[tuple[str, bool]]:
    """A part with the white space around it apart; whether each piece is translated."""
    found = _PIECE.match(part)
    assert found is not None
    if kept or not _has_words(found[2]):
        return [(part, False)]
    return [(found[1], False), (found[2], True), (found[3], False)]


def _open(work: _Work) -> bool:
    return work.answer is None and not work.problem


def _has_words(text: str) -> bool:
    return any(any(map(str.isalpha, part)) for part, kept in marks.parts_of(text) if not kept)


def _on_one_line(text: str, source: str) -> str:
    """A model can spell line ends byte by byte; where the source has none they are blanks."""
    return text if "\n" in source else " ".join(text.splitlines())


def _is_plain(text: str) -> bool:
    """Whether a text has no characters that neither XML nor gettext can hold."""
    return not re.search("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]", text)
