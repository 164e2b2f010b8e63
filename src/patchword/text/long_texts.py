"""Texts of any length: cut into sentences, translated, and put together with their white space."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from patchword.text.encoding import check_characters
from patchword.text.layout import Layout, layouts
from patchword.text.long_watch import SentenceWatch
from patchword.text.options import SearchOptions
from patchword.text.prefix import Prefix
from patchword.text.translation import Alternative, Translation
from patchword.text.watch import CANCELLED, Watch

if TYPE_CHECKING:
    from patchword.text.translating import Translating

_NONE = Layout([], [], [], ())  # of a text that nobody waits for


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

    @property
    def alone(self) -> Translation | None:
        """What `Translator.translate` answers, if the text is one sentence or blank; otherwise None."""
        if not self.source.strip():
            return Translation(self.source, "", 0.0, ())
        if len(self.sentences) != 1 or self.sentences[0].source != self.source.strip():
            return None
        return replace(self.sentences[0], source=self.source)

    def __str__(self) -> str:
        return self.text if self.error is None else f"[{self.error}]"


def translate_texts(
    translator: "Translating",
    texts: Sequence[str],
    options: SearchOptions,
    watch: Watch | None,
    prefixes: Sequence[Prefix],
    most: int,
) -> list[LongTranslation]:
    """Cut texts, decode the sentences of all of them in one call, and put them together; see `translate_text`."""
    source, target = translator.languages
    longest = min(most, translator.longest)
    if watch is None:
        laid_out = layouts(translator.vocabulary, texts, source, longest)
    else:
        check_characters(texts)
        # One by one, since long texts take their time here too.
        wanted = map(watch.wanted, range(len(texts)))
        vocabulary = translator.vocabulary
        laid_out = [
            layouts(vocabulary, [text], source, longest)[0] if one else _NONE
            for text, one in zip(texts, wanted, strict=True)
        ]
    flat = [
        (number, piece.text)
        for number, layout in enumerate(laid_out)
        for piece, spoken in zip(layout.pieces, layout.spoken, strict=True)
        if spoken
    ]
    of_texts = [number for number, _ in flat]
    following = None if watch is None else SentenceWatch(watch, laid_out, of_texts, target)
    firsts = [prefixes[text] if text != before else None for before, text in pairwise([-1, *of_texts])]
    found = translator.translate([text for _, text in flat], options, watch=following, prefixes=firsts)
    own: list[list[Translation]] = [[] for _ in texts]
    for number, translation in zip(of_texts, found, strict=True):
        own[number].append(translation)
    return [
        _together(text, layout, translations, target)
        for text, layout, translations in zip(texts, laid_out, own, strict=True)
    ]


def _together(text: str, layout: Layout, translations: Sequence[Translation], language: str) -> LongTranslation:
    def whole(rank: int) -> Alternative:
        # A sentence of which fewer were found has its last one again.
        chosen = [one.alternatives[min(rank, len(one.alternatives) - 1)] for one in translations if one.alternatives]
        rest = iter(chosen)
        parts = [next(rest).text.strip() if one.alternatives else "" for one in translations]
        score = sum(one.score for one in chosen) / len(chosen) if chosen else 0.0
        return Alternative(layout.joined(parts, language), score)

    if layout is _NONE:
        return LongTranslation(text, "", (), (), (), CANCELLED)
    for place, translation in zip(layout.numbers, translations, strict=True):
        if translation.error is not None:
            where = "" if layout.numbers[-1] == 1 or translation.error == CANCELLED else f"sentence {place:,} "
            return LongTranslation(text, "", tuple(translations), layout.notes, (), where + translation.error)
    best = whole(0)
    most = max((len(translation.alternatives) for translation in translations), default=1)
    alternatives = tuple(whole(rank) for rank in range(most)) if best.text.strip() else ()
    return LongTranslation(text, best.text, tuple(translations), layout.notes, alternatives)
