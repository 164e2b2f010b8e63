"""How alike texts are, by the runs of characters that they share, without comparing each with each.

A text's shingles are its runs of `width` characters, without case and punctuation. MinHash (Broder 1997, "On the
resemblance and containment of documents") keeps of a text the least value of each of many hash functions over its
shingles; two texts agree in as large a part of them as they share shingles. Bands of `ROWS` values are compared as one
(Leskovec et al., "Mining of Massive Datasets", 3.4): of texts that share `ALIKE` of their shingles, 99 in 100 agree in
at least one of the `BANDS`.
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

BANDS, ROWS = 12, 5
ALIKE = 0.8  # of the shingles of both
LEAST = 4  # times the width of a shingle: shorter texts are alike without meaning the same

_BLANK = re.compile(r"[\W_]+")
_TOGETHER = 2048  # texts whose shingles fit into the processor's cache

_generator = np.random.default_rng(20_260)
_FACTORS = _generator.integers(0, 2**31, BANDS * ROWS, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
_SUMMANDS = _generator.integers(0, 2**32, BANDS * ROWS, dtype=np.uint32)

Bands = NDArray[np.uint32]


def folded(text: str) -> str:
    """Letters and digits alone, in small letters, a blank between words; of a text without any, the text."""
    return _BLANK.sub(" ", text.lower()).strip() or text


def long_enough(text: str, width: int) -> bool:
    """Whether a folded text is so long that likeness means something."""
    return len(text) >= LEAST * width


def likeness(one: str, other: str, width: int) -> float:
    """The share of the shingles of two folded texts that both have (Jaccard)."""
    first, second = _shingles(one, width), _shingles(other, width)
    return len(first & second) / len(first | second)


def _shingles(text: str, width: int) -> set[str]:
    text = f" {text} ".ljust(width)
    return {text[start : start + width] for start in range(len(text) - width + 1)}


def signatures(texts: Sequence[str], width: int) -> NDArray[np.uint32]:
    """MinHash values of folded texts: (texts, BANDS * ROWS)."""
    found = np.empty((len(texts), BANDS * ROWS), np.uint32)
    for start in range(0, len(texts), _TOGETHER):
        some = texts[start : start + _TOGETHER]
        hashes, starts = _hashed(some, width)
        for number in range(BANDS * ROWS):
            values = hashes * _FACTORS[number] + _SUMMANDS[number]
            found[start : start + len(some), number] = np.minimum.reduceat(values, starts)
    return found


def bands(values: NDArray[np.uint32]) -> Bands:
    """One number a band of signatures: (texts, BANDS)."""
    mixed = np.zeros((len(values), BANDS), np.uint32)
    for row in range(ROWS):
        mixed = _mixed(mixed * np.uint32(0x9E3779B1) + values[:, row::ROWS])
    return mixed


def _hashed(texts: Sequence[str], width: int) -> tuple[NDArray[np.uint32], NDArray[np.intp]]:
    """The hashes of all shingles one after another, and where each text's begin."""
    padded = [f" {text} ".ljust(width) for text in texts]
    # Half a surrogate pair is a character like any other here.
    codes = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), np.uint32)
    lengths = np.fromiter(map(len, padded), np.intp, len(padded))
    ends = np.cumsum(lengths)
    windows = np.zeros(len(codes) - width + 1, np.uint32)
    for place in range(width):
        windows = windows * np.uint32(0x01000193) + codes[place : place + len(windows)]
    within = np.ones(len(windows), bool)
    for place in range(1, width):
        over = ends[:-1] - place
        within[over] = False
    counts = lengths - width + 1
    return _mixed(windows[within]), np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.intp)


def _mixed(values: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """MurmurHash3's last step, which lets every bit depend on every other."""
    values = (values ^ (values >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    values = (values ^ (values >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return values ^ (values >> np.uint32(16))
