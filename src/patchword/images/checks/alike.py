"""Images that are nearly the same, among many."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from patchword.images.checks.portrait import Portrait

# Chosen by looking at pairs of CIFAR-10's 55,000 images: of those with at most 7 bits a third are other pictures below
# a correlation of 0.9, one in fifteen is from there to 0.93, and none of 185 above.
BITS = 7  # of 64 that the hashes of two may differ in
CORRELATION = 0.93  # of their small copies
_BANDS = 8  # parts of a hash; where at most BITS bits differ, one of the parts is the same
_TOGETHER = 2_000_000  # comparisons in memory
_MOST = 16  # images of a group that one is told to be like

assert BITS < _BANDS


def alike(portraits: Sequence[Portrait], groups: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Pairs of images that are nearly the same: (first, second), perhaps several times and in no order.

    Small things before an empty sky have the same hash, so the small copies are compared too. Of an image that is like
    very many others, as frames of a film are, some pairs with each group are told.

    Args:
        portraits: of all images.
        groups: of each image the number of its group, such as its split.
    """
    if not portraits:
        return
    hashes = np.array([portrait.hashed for portrait in portraits], np.uint64)
    small = np.stack([portrait.small for portrait in portraits]).reshape(len(portraits), -1)
    for one, two in _near(hashes, np.asarray(groups)):
        same = correlations(small[one], small[two]) >= CORRELATION
        yield from zip(one[same].tolist(), two[same].tolist(), strict=True)


def correlations(ones: NDArray[np.int16], others: NDArray[np.int16]) -> NDArray[np.float32]:
    """Of rows of grey values with rows of others; 0 where one has a single grey."""
    first, second = (rows - rows.mean(axis=1, keepdims=True, dtype=np.float32) for rows in (ones, others))
    sizes = np.sqrt((first * first).sum(axis=1) * (second * second).sum(axis=1))
    return (first * second).sum(axis=1) / np.maximum(sizes, 1e-6)


def _near(hashes: NDArray[np.uint64], groups: NDArray[np.int_]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Places of hashes that differ in few bits, the first before the second; a pair may come several times."""
    parts = hashes.view(np.uint8).reshape(-1, _BANDS)
    for band in range(_BANDS):
        order = np.argsort(parts[:, band], kind="stable")
        ends = np.searchsorted(parts[order, band], np.arange(257))
        for value in range(256):
            members = order[ends[value] : ends[value + 1]]
            own = hashes[members]
            step = max(1, _TOGETHER // max(1, len(members)))
            for start in range(0, len(members), step):
                differ = np.bitwise_count(own[start : start + step, None] ^ own[None, start:]) <= BITS
                differ = np.triu(differ, 1)
                if np.count_nonzero(differ) > _MOST * len(differ):
                    differ = _some(differ, groups[members[start:]])
                rows, columns = np.nonzero(differ)
                yield members[start + rows], members[start + columns]


def _some(differ: NDArray[np.bool_], groups: NDArray[np.int_]) -> NDArray[np.bool_]:
    """The same, but of each row the first few of each group alone."""
    found = np.zeros_like(differ)
    for group in np.unique(groups):
        there = differ & (groups == group)
        found |= there & (np.cumsum(there, axis=1, dtype=np.int32) <= _MOST)
    return found
