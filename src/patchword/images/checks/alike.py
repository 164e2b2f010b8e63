"""Images that are nearly the same, among many."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from patchword.images.checks.portrait import Portrait

# Chosen by looking at pairs of CIFAR-10's 55,000 images: of those with at most 7 bits a third are other pictures below
# a correlation of 0.9, one in fifteen is from there to 0.93, and none of 185 above.
BITS = 7  # of 64 that the hashes of two may differ in
CORRELATION = 0.93  # of their small copies
_BANDS = 8  # parts of a hash; where at most BITS bits differ, one of the parts is the same
_TOGETHER = 2_000_000  # comparisons in memory

assert BITS < _BANDS


def alike(portraits: list[Portrait]) -> Iterator[tuple[int, int]]:
    """Pairs of images that are nearly the same, each once and in no order: (first, second).

    Small things before an empty sky have the same hash, so the small copies are compared too.
    """
    hashes = np.array([portrait.hashed for portrait in portraits], np.uint64)
    seen: set[tuple[int, int]] = set()
    for one, two in _near(hashes):
        pair = int(one), int(two)
        if pair in seen:
            continue
        seen.add(pair)
        if correlation(portraits[pair[0]], portraits[pair[1]]) >= CORRELATION:
            yield pair


def correlation(one: Portrait, other: Portrait) -> float:
    """Of the small copies' grey values; 0 if one has a single grey."""
    first, second = one.small.astype(float).ravel(), other.small.astype(float).ravel()
    first, second = first - first.mean(), second - second.mean()
    size = float(np.sqrt((first @ first) * (second @ second)))
    return float(first @ second) / size if size else 0.0


def _near(hashes: NDArray[np.uint64]) -> Iterator[tuple[np.intp, np.intp]]:
    """Places of hashes that differ in few bits; a pair may come several times."""
    parts = hashes.view(np.uint8).reshape(-1, _BANDS)
    for band in range(_BANDS):
        order = np.argsort(parts[:, band], kind="stable")
        ends = np.searchsorted(parts[order, band], np.arange(257))
        for value in range(256):
            members = order[ends[value] : ends[value + 1]]
            own = hashes[members]
            step = max(1, _TOGETHER // max(1, len(members)))
            for start in range(0, len(members), step):
                differ = np.bitwise_count(own[start : start + step, None] ^ own[None, start:])
                rows, columns = np.nonzero(differ <= BITS)
                for row, column in zip(rows, columns, strict=True):
                    if row < column:
                        yield members[start + row], members[start + column]
