"""Where characters of a normalised text were: exactly where only normalising lies between, and never slowly."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchword.explain.character_places import UNKNOWN, places_of_characters


def chinese(count: int) -> str:
    """Characters with a full-width comma behind every twelfth."""
    drawn = np.random.default_rng(1).integers(0x4E00, 0x5E00, count)
    return "".join("，" if place % 12 == 11 else chr(one) for place, one in enumerate(drawn))


@pytest.mark.parametrize(
    ("own", "text", "places"),
    [
        ("ficafé...x", "ﬁcafe\u0301…x", [0, 0, 1, 2, 3, 4, 6, 6, 6, 7]),
        ("abc", "ABC", [0, 1, 2]),
        ("각,", "\u1100\u1161\u11a8，", [0, 3]),
        ("ab", "a\u200bb", [0, 2]),
        (f"a{UNKNOWN}b", "a☃☃☃b", [0, 1, 4]),
        (f"a{UNKNOWN}bcd", f"a{'☃' * 100}bcd", [0, 1, 101, 102, 103]),
        (UNKNOWN, "☃☃", [0]),
        ("xyz", "☃", [0, 0, 0]),
    ],
)
def test_what_vocabularies_change_is_found_in_its_place(own: str, text: str, places: list[int]) -> None:
    assert places_of_characters(own, text) == places


def test_what_is_unknown_in_a_long_text_moves_nothing_else() -> None:
    text = chinese(4000)
    parts = [text[start : start + 5].replace("，", ",") for start in range(0, 4000, 5)]
    expected, own = [], []
    for number, part in enumerate(parts):
        known = number % 7 != 3
        own.append(part if known else UNKNOWN)
        expected += [5 * number + index for index in range(5)] if known else [-1]
    found = places_of_characters("".join(own), text)
    assert [place for place, wanted in zip(found, expected, strict=True) if wanted >= 0] == [
        wanted for wanted in expected if wanted >= 0
    ]


@given(st.text("aAﬁ，,\u0301年☃\u200bé" + UNKNOWN), st.text("aAﬁ，,\u0301年☃\u200bé", min_size=1))
def test_every_character_has_a_place_in_any_text(own: str, text: str) -> None:
    found = places_of_characters(own, text)
    assert len(found) == len(own)
    assert all(0 <= place < len(text) for place in found)


@pytest.mark.parametrize(
    ("own", "text"),
    [
        (chinese(4000).replace("，", ","), chinese(4000)),
        ("的" * 2000 + "," + "的" * 1999, "的" * 2000 + "，" + "的" * 1999),
        ("abx" * 1333, "bxyz" * 1000),
        ("a" + "\u0301\u0323" * 2000, "b" + "\u0323\u0301" * 2000),
    ],
    ids=["commas", "one character", "hardly alike", "marks"],
)
def test_four_thousand_characters_take_a_moment(own: str, text: str) -> None:
    start = time.process_time()
    places_of_characters(own, text)
    assert time.process_time() - start < 1.5  # 0.1 to 0.5; in the square of the length it would be 2 to 200
