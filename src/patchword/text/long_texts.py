"""Texts of any length: cut into sentences, translated, and put together with their white space."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING, NamedTuple

from patchword.text.clauses import clauses
from patchword.text.encoding import source_ids
from patchword.text.language import said
from patchword.text.options import SearchOptions
from patchword.text.sentences import Piece, is_wide, sentences
from patchword.text.translation import Alternative, Translation
from patchword.text.watch import CANCELLED, Watch

if TYPE_CHECKING:
    from patchword.text.translator import Translator

_WITHOUT_BLANKS = frozenset(("zh", "ja", "yue", "wuu", "lzh"))
_BLANKS = " \u00a0\u3000"


@dataclass(frozen=True)
class LongTranslation:
    """The translation of a text of any number of sentences.

    Attributes:
        source: the text as given.
        text: the translation, with the source's white space; empty where there is an error.
        sentences: of every piece that was translated, in order.
        notes: what was done to the text that its reader should know, a sentence each.
        alternatives: the n best of the whole, each of the sentences' own; the best included.
        error: why a sentence of it cannot be translated; None if all were.
    """

    source: str
    text: str
    sentences: tuple[Translation, ...]
    notes: tuple[str, ...]
    alternatives: tuple[Alternative, ...]
    error: str | None = None

    @property
    def score(self) -> float:
        """The mean of the sentences' scores."""
        return self.alternatives[0].score if self.alternatives else 0.0

    @property
    def source_tokens(self) -> int:
        """How many tokens the sentences have."""
        return sum(sentence.source_tokens for sentence in self.sentences)

    @property
    def is_long(self) -> bool:
        """Whether a piece of it is longer than sentences are."""
        return any(sentence.is_long for sentence in self.sentences)

    def __str__(self) -> str:
        return self.text if self.error is None else f"[{self.error}]"


class _Layout(NamedTuple):
    """A text's pieces; `spoken` are those that are translated, the others stay as they are."""

    pieces: list[Piece]
    spoken: list[bool]
    notes: tuple[str, ...]

    def joined(self, parts: Iterable[str], language: str) -> str:
        """The pieces in the order of the text, the translated ones exchanged for `parts`."""
        text, rest = "", iter(parts)
        for piece, spoken in zip(self.pieces, self.spoken, strict=True):
            text = _with(text, piece.blank, next(rest) if spoken else piece.text, language)
        return text


def translate_texts(
    translator: "Translator", texts: Sequence[str], options: SearchOptions, watch: Watch | None, most: int
) -> list[LongTranslation]:
    """Cut texts, decode the sentences of all of them in one call, and put them together; see `translate_text`."""
    source, target = translator.languages
    layouts = [_layout(translator, text, source, most) for text in texts]
    flat = [
        (number, piece.text)
        for number, layout in enumerate(layouts)
        for piece, spoken in zip(layout.pieces, layout.spoken, strict=True)
        if spoken
    ]
    joined = None if watch is None else _Joined(watch, layouts, [number for number, _ in flat], target)
    found = translator.translate([text for _, text in flat], options, watch=joined)
    own: list[list[Translation]] = [[] for _ in texts]
    for (number, _), translation in zip(flat, found, strict=True):
        own[number].append(translation)
    return [
        _together(text, layout, translations, target)
        for text, layout, translations in zip(texts, layouts, own, strict=True)
    ]


def _layout(translator: "Translator", text: str, language: str, most: int) -> _Layout:
    """Sentences of a text, those of too many tokens in parts, and notes about these."""

    def count(parts: Sequence[str]) -> list[int]:
        return [len(ids) for ids in source_ids(translator.vocabulary, parts)]

    most = min(most, translator.longest)
    whole = sentences(text, language)
    pieces: list[Piece] = []
    notes = []
    for number, (piece, tokens) in enumerate(zip(whole, count([p.text for p in whole]), strict=True), start=1):
        if tokens <= most:
            pieces.append(piece)
            continue
        parts = clauses(piece.text, most, count)
        pieces += [Piece(piece.blank + parts[0].blank, parts[0].text), *parts[1:]]
        if len(parts) > 1:
            notes.append(
                f"sentence {number:,} has more than {most:,} tokens and was translated in {len(parts):,} parts: "
                f"{_shown(piece.text)}"
            )
    return _Layout(pieces, [any(map(str.isalnum, piece.text)) for piece in pieces], tuple(notes))


def _shown(text: str) -> str:
    return f'"{text[:40]}..."'


def _with(text: str, blank: str, part: str, language: str) -> str:
    """A text and its next piece.

    Around lines white space stays as it was. Within a line it follows the language: none where sentences have none
    between them, and a blank where the source had none because its script needs none.
    """
    if not text or not part or text[-1].isspace() or "\n" in blank or "\r" in blank:
        return text + blank + part
    if said(language) is None:
        wide = is_wide(text[-1]) and is_wide(part[0])
    else:
        wide = language.lower().partition("-")[0].partition("_")[0] in _WITHOUT_BLANKS
    return text + (blank.strip(_BLANKS) if wide else blank or " ") + part


def _together(text: str, layout: _Layout, translations: Sequence[Translation], language: str) -> LongTranslation:
    for number, translation in enumerate(translations, start=1):
        if translation.error is not None:
            place = "" if len(translations) == 1 or translation.error == CANCELLED else f"sentence {number} "
            return LongTranslation(text, "", tuple(translations), layout.notes, (), place + translation.error)
    most = max((len(translation.alternatives) for translation in translations), default=0)
    alternatives = []
    for rank in range(most):
        # A sentence of which fewer were found has its last one again.
        chosen = [found.alternatives[min(rank, len(found.alternatives) - 1)] for found in translations]
        score = sum(one.score for one in chosen) / len(chosen)
        alternatives.append(Alternative(layout.joined([one.text.strip() for one in chosen], language), score))
    best = alternatives[0].text if alternatives else layout.joined([], language)
    return LongTranslation(text, best, tuple(translations), layout.notes, tuple(alternatives))


class _Growing:
    """What is certain of a text's translation, from its beginning.

    Args:
        layout: of the text.
        language: of the translation.
    """

    def __init__(self, layout: _Layout, language: str) -> None:
        self._layout = layout
        self._language = language
        self._parts: dict[int, str] = {}  # by number, of sentences that cannot be put behind the others yet
        self._complete: set[int] = set()
        self._text = ""  # of all pieces before `_place`
        self._place = 0
        self._sentence = 0
        self._pass()

    def note(self, sentence: int, text: str, complete: bool) -> None:
        """So much is certain of one of the sentences."""
        self._parts[sentence] = text.strip() if complete else text.lstrip()
        if complete:
            self._complete.add(sentence)
        self._pass()

    def text(self) -> str:
        """All that is certain."""
        part = self._parts.get(self._sentence)
        if not part:
            return self._text
        return _with(self._text, self._layout.pieces[self._place].blank, part, self._language)

    def _pass(self) -> None:
        """Put complete sentences, and pieces that stay as they are, behind what is there."""
        pieces, spoken = self._layout.pieces, self._layout.spoken
        while self._place < len(pieces) and (not spoken[self._place] or self._sentence in self._complete):
            piece = pieces[self._place]
            part = self._parts.pop(self._sentence) if spoken[self._place] else piece.text
            self._text = _with(self._text, piece.blank, part, self._language)
            self._sentence += spoken[self._place]
            self._place += 1


class _Joined:
    """Tells a watch of texts what a search tells of their sentences: a sentence when those before it are complete.

    Args:
        watch: of the texts.
        layouts: of the texts.
        texts: the text of every sentence.
        language: of the translations.
    """

    def __init__(self, watch: Watch, layouts: Sequence[_Layout], texts: Sequence[int], language: str) -> None:
        self._watch = watch
        self._growing = [_Growing(layout, language) for layout in layouts]
        first = {text: index for index, text in reversed(list(enumerate(texts)))}
        self._sentences = [(text, index - first[text]) for index, text in enumerate(texts)]
        self._told = [0] * len(layouts)
        self._given_up: set[int] = set()
        self._lock = RLock()  # sentences of one text are decoded in several threads
        for text in range(len(layouts)):
            if text not in first:  # nothing of it is translated
                self._tell(text)

    def wanted(self, index: int) -> bool:
        """See `Watch`; once a text is given up, so are all of its sentences."""
        text, _ = self._sentences[index]
        with self._lock:
            if text not in self._given_up and not self._watch.wanted(text):
                self._given_up.add(text)
            return text not in self._given_up

    def told(self, index: int, text: str) -> None:
        """See `Watch`."""
        self._note(index, text, complete=False)

    def ended(self, index: int, text: str) -> None:
        """See `EndWatch`."""
        self._note(index, text, complete=True)

    def _note(self, index: int, text: str, complete: bool) -> None:
        number, sentence = self._sentences[index]
        with self._lock:
            if number not in self._given_up:
                self._growing[number].note(sentence, text, complete)
                self._tell(number)

    def _tell(self, number: int) -> None:
        text = self._growing[number].text()
        if len(text) > self._told[number]:
            self._told[number] = len(text)
            self._watch.told(number, text)
