"""Alignments of texts of several sentences: those of each sentence, between the words of the whole."""

from collections.abc import Sequence
from typing import Any

import pytest

from patchword.explain.aligner import Aligned
from patchword.explain.words import text_words
from patchword.server import aligning
from patchword.server.aligning import add_alignments


def straight(translator: Any, sources: Sequence[str], targets: Sequence[str]) -> list[Aligned]:
    """Links each word to the one of the same number, and fails at the word "bad"."""
    found = []
    for source, target in zip(map(text_words, sources), map(text_words, targets), strict=True):
        bad = "bad" in source
        links = () if bad else tuple((index, index) for index in range(min(len(source), len(target))))
        found.append(Aligned(tuple(source), tuple(target), links, "has 900 tokens" if bad else None))
    return found


def aligned(monkeypatch: pytest.MonkeyPatch, source: str, text: str, *sentences: tuple[str, str]) -> dict[str, Any]:
    monkeypatch.setattr(aligning, "align", straight)
    listed = [{"source": one, "text": other} for one, other in sentences]
    answer = {"source": source, "text": text, "sentences": listed, "notes": []}
    add_alignments(None, [answer])
    return answer


@pytest.mark.parametrize(
    ("source", "text", "sentences", "links"),
    [
        ("one two", "eins zwei", ["one two|eins zwei"], "0-0 1-1"),
        ("  a b.\n\nc d. ", "  x y z.\n\nu v. ", ["a b.|x y z.", "c d.|u v."], "0-0 1-1 2-3 3-4"),
        ("a. --- b. a.", "x. --- y z. w.", ["a.|x.", "b.|y z.", "a.|w."], "0-0 2-2 3-4"),
        ("我是。你好。", "I am. Hello you.", ["我是。|I am.", "你好。|Hello you."], "0-0 1-1 3-2 4-3"),
        ("A b. C d.", "你好。再见。", ["A b.|你好。", "C d.|再见。"], "0-0 1-1 2-3 3-4"),
        ("abcdef gh", "uvwxyz st", ["abc|uvw", "def gh|xyz st"], "0-0 1-1"),  # a word that was cut in two
        ("a. b. c.", "x.  z.", ["a.|x.", "b.|", "c.|z."], "0-0 2-1"),
        ("", "", [], ""),
    ],
)
def test_words_are_numbered_through_the_whole_text(
    monkeypatch: pytest.MonkeyPatch, source: str, text: str, sentences: list[str], links: str
) -> None:
    pairs = [tuple(sentence.split("|")) for sentence in sentences]
    answer = aligned(monkeypatch, source, text, *pairs)  # type: ignore[arg-type]
    assert (answer["alignment"], answer["notes"]) == (links, [])


def test_what_cannot_be_aligned_is_noted_and_the_rest_has_its_links(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = aligned(monkeypatch, "bad one. Two.", "x y. Z.", ("bad one.", "x y."), ("Two.", "Z."))
    assert answer["alignment"] == "2-2"
    assert answer["notes"] == ["sentence 1 has no alignment: it has 900 tokens"]
    answer = aligned(monkeypatch, "bad", "x", ("bad", "x"))
    assert answer["notes"] == ["there is no alignment: it has 900 tokens"]
