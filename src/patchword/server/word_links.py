"""Word alignments of texts of any number of sentences: each sentence's own, in the numbers of the text's words."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from patchword.explain.aligner import align
from patchword.explain.alignment import pharaoh
from patchword.explain.words import text_words


def alignments(translator: Any, translations: Sequence[Any]) -> list[str]:
    """Pairs of word numbers, such as "0-0 1-2", of each translation.

    Args:
        translator: that made them.
        translations: of `translate`, or of `translate_text`.
    """
    sentences = [[one for one in getattr(each, "sentences", (each,)) if one.text] for each in translations]
    flat = [one for several in sentences for one in several]
    aligned = iter(align(translator, [one.source for one in flat], [one.text for one in flat]))
    found = []
    for whole, several in zip(translations, sentences, strict=True):
        source, target = _Numbers(whole.source), _Numbers(whole.text)
        links: list[tuple[int, int]] = []
        for one in several:
            pair = next(aligned)
            sources, targets = source.of(one.source, pair.source), target.of(one.text.strip(), pair.target)
            links += [(sources[i], targets[j]) for i, j in pair.links]
        found.append(pharaoh(sorted(set(links))))
    return found


class _Numbers:
    """Numbers of a text's words, asked for by its parts in their order.

    Args:
        text: the whole.
    """

    def __init__(self, text: str) -> None:
        self._text, self._place, self._before = text, 0, 0  # characters before the next part; those that are no space
        self._starts = [0, *accumulate(map(len, text_words(text)))]

    def of(self, part: str, words: Sequence[str]) -> list[int]:
        """For each word of a part the number of the text's word in which it begins."""
        begin = max(self._text.find(part, self._place), self._place)
        self._before += len("".join(self._text[self._place : begin].split()))
        inner = [0, *accumulate(map(len, words))]
        numbers = [bisect_right(self._starts, self._before + start) - 1 for start in inner[:-1]]
        self._place, self._before = begin + len(part), self._before + inner[-1]
        return numbers
