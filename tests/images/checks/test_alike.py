"""Images that are alike are found among many, also where very many are."""

import numpy as np

from patchword.images.checks.alike import BITS, alike
from patchword.images.checks.portrait import Portrait


def portrait(hashed: int, seed: int) -> Portrait:
    small = np.random.default_rng(seed).integers(0, 256, (16, 16)).astype(np.int16)
    return Portrait(b"", (32, 32), False, hashed, small)


def test_a_pair_is_alike_by_hash_and_by_pixels() -> None:
    far = (1 << BITS + 1) - 1
    some = [portrait(0, 1), portrait(far >> 1, 1), portrait(far, 1), portrait(0, 2), portrait(1 << 63, 3)]
    assert set(alike(some, [0] * 5)) == {(0, 1), (1, 2)}
    assert list(alike([], [])) == []


def test_frames_of_a_film_each_have_another_and_one_of_each_group() -> None:
    frames = [portrait(0b1011, 1) for _ in range(900)]
    groups = [0] * 600 + [1] * 300
    found = set(alike(frames, groups))
    assert {two for _, two in found} == set(range(1, 900))
    assert {one for one, two in found if groups[one] < groups[two]} == set(range(600))
    assert len(found) < 900 * 40
