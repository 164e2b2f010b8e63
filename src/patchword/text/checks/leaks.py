"""Validation and test text that training text has too."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from patchword.text.checks.shingles import ALIKE, Bands, bands, folded, likeness, long_enough, signatures

_MOST = 8  # held-out texts that one training text is compared with


class Held(NamedTuple):
    """A pair of validation or test text.

    Attributes:
        split: such as "test".
        place: its file and line.
        source: folded; see `shingles.folded`.
        target: the same.
    """

    split: str
    place: str
    source: str
    target: str


class Leak(NamedTuple):
    """What a training pair shares with a held-out one: `sides` are "pair", "source" or "target"."""

    sides: str
    exact: bool
    held: Held


class HeldOut:
    """All held-out pairs, to be asked whether training pairs are among them.

    Args:
        pairs: of validation and test text.
        widths: of the shingles of source and target.
    """

    def __init__(self, pairs: Sequence[Held], widths: tuple[int, int]) -> None:
        self._pairs, self._widths = pairs, widths
        self._exact: list[dict[str, int]] = [{}, {}]
        for number, pair in enumerate(pairs):
            self._exact[0].setdefault(pair.source, number)
            self._exact[1].setdefault(pair.target, number)
        self._both = {(pair.source, pair.target): number for number, pair in enumerate(pairs)}
        self._near = [
            _Near([pair[2 + side] for pair in pairs], widths[side], signatures([p[2 + side] for p in pairs], width))
            for side, width in enumerate(widths if pairs else ())
        ]

    def leaks(
        self, sources: Sequence[str], targets: Sequence[str], values: tuple[NDArray[np.uint32], NDArray[np.uint32]]
    ) -> list[Leak | None]:
        """The worst leak of each of some training pairs.

        Args:
            sources: folded.
            targets: folded.
            values: signatures of both.
        """
        found: list[Leak | None] = [None] * len(sources)
        if not self._pairs:
            return found
        for number, (source, target) in enumerate(zip(sources, targets, strict=True)):
            for sides, index in (
                ("pair", self._both.get((source, target))),
                ("source", self._exact[0].get(source)),
                ("target", self._exact[1].get(target)),
            ):
                if index is not None:
                    found[number] = Leak(sides, True, self._pairs[index])
                    break
        for side, texts in enumerate((sources, targets)):
            for number, index in self._near[side].like(texts, bands(values[side])):
                if found[number] is None:
                    found[number] = Leak(("source", "target")[side], False, self._pairs[index])
        return found


class _Near:
    """Texts by their bands."""

    def __init__(self, texts: Sequence[str], width: int, values: NDArray[np.uint32]) -> None:
        self._texts, self._width = texts, width
        keys = bands(values)
        self._order = np.argsort(keys, axis=0, kind="stable")
        self._keys: Bands = np.take_along_axis(keys, self._order, axis=0)

    def like(self, texts: Sequence[str], keys: Bands) -> list[tuple[int, int]]:
        """Which of some texts are nearly one of these, and the first that each is like: (number, own number)."""
        candidates: dict[int, set[int]] = {}
        for band in range(keys.shape[1]):
            own, order = self._keys[:, band], self._order[:, band]
            first = np.searchsorted(own, keys[:, band])
            last = np.searchsorted(own, keys[:, band], side="right")
            for row in np.flatnonzero(last > first):
                some = order[first[row] : min(last[row], first[row] + _MOST)]
                candidates.setdefault(int(row), set()).update(map(int, some))
        found = []
        for number, indices in sorted(candidates.items()):
            text = texts[number]
            if not long_enough(text, self._width):
                continue
            for place in sorted(indices)[:_MOST]:
                if likeness(text, self._texts[place], self._width) >= ALIKE:
                    found.append((number, place))
                    break
        return found


def held(split: str, place: str, source: str, target: str) -> Held:
    """A held-out pair of texts as they are."""
    return Held(split, place, folded(source), folded(target))
