"""Alignments of translated texts: sentence by sentence, between the words of the whole."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from patchword.explain.aligner import Aligned, align
from patchword.explain.alignment import pharaoh
from patchword.explain.words import text_words


def add_alignments(translator: Any, answers: Sequence[dict[str, Any]]) -> None:
    """Give answers their "alignment", and notes about sentences that have none.

    Args:
        translator: that made them.
        answers: see `work.translate`; their "sentences" are read by themselves, as they were when they were translated.
    """
    pairs = [sentence for answer in answers for sentence in answer["sentences"]]
    found = iter(align(translator, [pair["source"] for pair in pairs], [pair["text"] for pair in pairs]))
    for answer in answers:
        aligned = [next(found) for _ in answer["sentences"]]
        answer["alignment"] = pharaoh(_of_whole(answer, aligned))
        for number, one in enumerate(aligned, 1):
            if one.error is not None:
                which = f"sentence {number:,} has" if len(aligned) > 1 else "there is"
                answer["notes"].append(f"{which} no alignment: it {one.error}")


def _of_whole(answer: Mapping[str, Any], aligned: Sequence[Aligned]) -> list[tuple[int, int]]:
    """Links of the sentences as links between words of the text and of its translation.

    Words are told by where they begin, in characters that are no spaces: where a word was cut in two, both halves are
    that word. What stands between the sentences was not translated and is as long in the translation.
    """
    text = "".join(answer["source"].split())
    starts = [_starts(text_words(answer[side])) for side in ("source", "text")]
    links: set[tuple[int, int]] = set()
    place, shift = 0, 0  # where a sentence begins, and how much later it does in the translation
    for sentence, one in zip(answer["sentences"], aligned, strict=True):
        place = text.index("".join(sentence["source"].split()), place)
        own = [
            [bisect_right(whole, begin + start) - 1 for start in _starts(words)]
            for whole, begin, words in zip(starts, (place, place + shift), (one.source, one.target), strict=True)
        ]
        links |= {(own[0][source], own[1][target]) for source, target in one.links}
        lengths = [sum(map(len, words)) for words in (one.source, one.target)]
        place += lengths[0]
        shift += lengths[1] - lengths[0]
    return sorted(links)


def _starts(words: Sequence[str]) -> list[int]:
    """Where each word begins in all of them joined."""
    return list(accumulate(map(len, words), initial=0))[:-1]
