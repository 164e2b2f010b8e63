"""Sentences that are too long are cut at clauses, else at blanks, else anywhere, and no character is lost."""

import re
import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchword.text.clauses import clauses


def letters(texts: Sequence[str]) -> list[int]:
    """A token a character, and the end token."""
    return [len(text) + 1 for text in texts]


def words(texts: Sequence[str]) -> list[int]:
    """A token a word or a mark, and the end token; a Chinese character is a word."""
    return [len(re.findall(r"[a-zäöüß\d]+|[^\w\s]|[\u4e00-\u9fff]", text, re.IGNORECASE)) + 1 for text in texts]


# Pieces are apart by |; a piece has at most so many words and marks.
CASES = [
    (9, "He came; she left; |nobody saw it at all."),
    (7, "He came: |she left, |and nobody saw it."),
    (8, "He came – |she left, and nobody cried."),
    (8, "He came — |she left, and nobody cried."),
    (10, "Well… |he came there (so they say), |and left."),
    (7, "one two three, four; |five six, seven eight; |nine"),
    (6, "one two three four five |six seven eight nine ten |eleven"),
    (7, "他来了；|她走了，|没有人看见。"),
    (9, "他来了，她走了，|没有人看见。"),
    (7, "他来了——|她走了，|没有人看见。"),
    (11, "It costs 1,000,000 or so, |more than 3.5:2 is."),
    (7, "He said “come;” |and then she came."),
    (99, "He came; she left; nobody saw it at all."),
]


@pytest.mark.parametrize(("most", "case"), CASES)
def test_as_many_clauses_as_fit_stay_together(most: int, case: str) -> None:
    found = clauses(case.replace("|", ""), most, words)
    assert [piece.text for piece in found] == [part.strip() for part in case.split("|")]
    assert max(words([piece.text for piece in found])) <= most


@given(st.text(alphabet='ab ,;:…–—-，；。\t\u00a0"”)9你\u0301\u200d👩', max_size=60), st.integers(5, 30))
def test_no_character_is_lost_and_no_piece_is_blank_or_too_long(text: str, most: int) -> None:
    sentence = text.strip()
    found = clauses(sentence, most, letters)
    assert "".join(piece.blank + piece.text for piece in found) == sentence
    for piece in found:
        assert piece.text
        assert piece.text == piece.text.strip()
        joined = set(piece.text) & {"\u0301", "\u200d"}  # nothing is cut within what is written as one
        assert joined or len(piece.text) < most


def test_what_has_neither_clauses_nor_blanks_is_cut_between_characters() -> None:
    family = "👩\u200d👩\u200d👧"
    found = clauses(family * 20, 12, letters)
    assert "".join(piece.text for piece in found) == family * 20
    assert all(set(piece.text.replace("\u200d", "")) <= {"👩", "👧"} for piece in found)
    assert not any(piece.text.startswith("\u200d") or piece.text.endswith("\u200d") for piece in found)
    accents = clauses("e\u0301" * 40, 10, letters)
    assert not any(piece.text.startswith("\u0301") for piece in accents)


HOSTILE = [",", ";", "…", "…;", ',"', ";)", "،", "—", "- ", " -", "\u200d", "\u0301", "a\u200d", "\u00a0"]


@pytest.mark.parametrize("mark", ["\u200d", "\u0301", "a\u200d"], ids=ascii)
def test_a_run_that_no_script_writes_is_cut_all_the_same(mark: str) -> None:
    found = clauses(mark * 5000, 200, letters)
    assert "".join(piece.text for piece in found) == mark * 5000
    assert max(len(piece.text) for piece in found) < 200


@pytest.mark.parametrize("unit", [*HOSTILE, "word ", "word, ", "字", "字，", "x", "a\u0301", "word; ", "… "], ids=ascii)
def test_time_grows_as_the_text_does(unit: str) -> None:
    text = (unit * 10**5)[: 10**5].strip()
    start = time.process_time()
    found = clauses(text, 200, letters)
    assert time.process_time() - start < 3
    assert "".join(piece.blank + piece.text for piece in found) == text
