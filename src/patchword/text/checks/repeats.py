"""Training pairs that came before: the same, nearly the same, or the same source with another target.

Of each pair some numbers are kept (about 80 bytes), not its texts; those that may be alike are read again.
"""

from array import array
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from patchword.text.checks.shingles import BANDS, bands


class Repeat(NamedTuple):
    """A pair's line, and that of the pair which came before; pairs that may be nearly the same have several."""

    line: int
    before: tuple[int, ...]


class Repeats:
    """Everything that is kept of training pairs."""

    def __init__(self) -> None:
        self._lines, self._pairs, self._sources = array("q"), array("q"), array("q")
        self._bands: list[NDArray[np.uint32]] = []
        self._near_lines = array("q")

    def add(self, line: int, source: str, target: str) -> None:
        """Keep a pair, of texts that are normalised."""
        self._lines.append(line)
        self._sources.append(hash(source))
        self._pairs.append(hash(f"{source}\0{target}"))

    def add_near(self, lines: list[int], values: NDArray[np.uint32]) -> None:
        """Keep the signatures of some pairs that are long enough to be nearly the same."""
        self._near_lines.extend(lines)
        self._bands.append(bands(values))

    def same(self) -> list[Repeat]:
        """Pairs that came before."""
        first = _first_of_equals(np.frombuffer(self._pairs, np.int64))
        return self._repeats(np.flatnonzero(first != np.arange(len(first))), first)

    def other_targets(self) -> list[Repeat]:
        """Pairs whose source came before, the pair itself not."""
        pairs = _first_of_equals(np.frombuffer(self._pairs, np.int64))
        sources = _first_of_equals(np.frombuffer(self._sources, np.int64))
        new = pairs == np.arange(len(pairs))
        return self._repeats(np.flatnonzero(new & (sources != np.arange(len(sources)))), sources)

    def _repeats(self, rows: NDArray[np.intp], first: NDArray[np.intp]) -> list[Repeat]:
        return [Repeat(self._lines[row], (self._lines[before],)) for row, before in zip(rows, first[rows], strict=True)]

    def maybe_near(self, without: set[int]) -> Iterator[Repeat]:
        """Pairs that may be nearly the same as ones before, in the order of their lines.

        Args:
            without: lines of pairs that are not asked about.
        """
        lines = np.frombuffer(self._near_lines, np.int64)
        keys = np.concatenate(self._bands) if self._bands else np.empty((0, BANDS), np.uint32)
        self._bands = [keys]
        left = ~np.isin(lines, np.fromiter(without, np.int64, len(without)))
        lines, keys = lines[left], keys[left]
        before = np.stack([_first_of_equals(keys[:, band]) for band in range(BANDS)], axis=1)
        for row in np.flatnonzero((before != np.arange(len(lines))[:, None]).any(axis=1)):
            rows = np.unique(before[row])
            yield Repeat(int(lines[row]), tuple(int(lines[other]) for other in rows if other != row))


def _first_of_equals(keys: NDArray[np.generic]) -> NDArray[np.intp]:
    """For each number the place of the first that is equal."""
    order = np.argsort(keys, kind="stable")
    sorted_keys = keys[order]
    begins = np.ones(len(keys), bool)
    begins[1:] = sorted_keys[1:] != sorted_keys[:-1]
    first = np.empty(len(keys), np.intp)
    first[order] = order[np.maximum.accumulate(np.where(begins, np.arange(len(keys)), 0))]
    return first
