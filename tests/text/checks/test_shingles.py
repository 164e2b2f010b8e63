"""Signatures agree as much as texts share shingles, and bands find those that share four fifths."""

import random

import numpy as np

from patchword.text.checks.shingles import ALIKE, bands, folded, likeness, signatures


def texts(count: int) -> list[str]:
    draw = random.Random(1)
    return ["".join(draw.choice("abcdefgh ") for _ in range(draw.randrange(60, 200))) for _ in range(count)]


def changed(text: str, places: int, seed: int) -> str:
    draw = random.Random(seed)
    letters = list(text)
    for place in draw.sample(range(len(text)), places):
        letters[place] = "z"
    return "".join(letters)


def test_signatures_estimate_likeness() -> None:
    one = [folded(text) for text in texts(200)]
    two = [folded(changed(text, 1 + i % 6, i)) for i, text in enumerate(one)]
    agree = (signatures(one, 5) == signatures(two, 5)).mean(axis=1)
    alike = np.array([likeness(a, b, 5) for a, b in zip(one, two, strict=True)])
    assert abs(float((agree - alike).mean())) < 0.01
    assert float(np.abs(agree - alike).mean()) < 0.06


def test_bands_find_what_is_alike_and_pass_over_what_is_not() -> None:
    one = [folded(text) for text in texts(300)]
    two = [folded(changed(text, 2, i)) for i, text in enumerate(one)]
    both = zip(bands(signatures(one, 5)), bands(signatures(two, 5)), one, two, strict=True)
    found = [bool((a == b).any()) for a, b, s, t in both if likeness(s, t, 5) >= ALIKE]
    assert len(found) > 100
    assert sum(found) >= 0.98 * len(found)
    others = bands(signatures(one[1:], 5)) == bands(signatures(one[:-1], 5))
    assert not others.any()


def test_a_text_has_the_same_signature_beside_any_others() -> None:
    some = [folded(text) for text in [*texts(5), "", "a", "Über \ud800 die"]]
    together = signatures(some, 5)
    assert all((together[i] == signatures([text], 5)[0]).all() for i, text in enumerate(some))


def test_case_and_punctuation_make_no_difference() -> None:
    assert folded("  Hello, World!_") == folded("hello world")
    assert folded("...") == "..."
