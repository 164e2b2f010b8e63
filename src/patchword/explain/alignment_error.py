"""Alignment error rate (Och & Ney 2003, section 6.1) of every way of reading a translator's attention.

Gold links are sure or possible. With A the links that were found, S the sure ones and P the sure and the possible ones,

    AER = 1 - (|A ∩ S| + |A ∩ P|) / (|A| + |S|)

over all pairs together. The reading is chosen on one half of the pairs and measured on the other.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from patchword.errors import DataError, clipped
from patchword.explain.aligner import attention_layers, linked
from patchword.explain.alignment import Links, Reading, readings
from patchword.explain.measuring import Table, measured
from patchword.explain.words import text_words
from patchword.text.files import stream_lines
from patchword.text.translator import Translator
from patchword.training.events import Listener, ignore, told

FEWEST = 10  # pairs below which neither half says anything
RESAMPLES = 2000
AT_ONCE = 256

_LINK = re.compile(r"(\d+)([-p])(\d+)")


@dataclass(frozen=True)
class GoldPair:
    """A sentence pair whose links are known, by the numbers of the words of `words.text_words`.

    Attributes:
        source: a text.
        target: its translation.
        sure: links that must be found.
        possible: links that may be found, the sure ones included.
    """

    source: str
    target: str
    sure: frozenset[tuple[int, int]]
    possible: frozenset[tuple[int, int]]


@dataclass(frozen=True)
class Counts:
    """What the error rate is computed from: the sizes of A, S, A ∩ S and A ∩ P."""

    found: int
    sure: int
    found_sure: int
    found_possible: int

    @classmethod
    def of(cls, links: Links, pair: GoldPair) -> "Counts":
        """Of one pair."""
        found = frozenset(links)
        return cls(len(found), len(pair.sure), len(found & pair.sure), len(found & pair.possible))


def alignment_error_rate(counts: Sequence[Counts]) -> float:
    """The rate over all pairs, 0 to 1; 0 where there was nothing to find and nothing was found."""
    rows = _array(counts)
    return float(_rate(rows.sum(0, keepdims=True))[0])


def interval(counts: Sequence[Counts], seed: int) -> tuple[float, float]:
    """Within which the rate of other such pairs lies in 95 of 100 cases, by drawing pairs anew (bootstrap)."""
    rows = _array(counts)
    drawn = np.random.default_rng(seed).integers(0, len(rows), (RESAMPLES, len(rows)))
    low, high = np.percentile(_rate(rows[drawn].sum(1)), [2.5, 97.5])
    return float(low), float(high)


def read_gold(paths: Sequence[Path]) -> list[GoldPair]:
    """Pairs from files of three columns: source, target, links such as "0-0 1-2 1p3", in which p is a possible one.

    Raises:
        DataError: with file and line: no three columns, a link that is none, or of a word that there is not.
    """
    found = []
    for path in paths:
        for number, line in enumerate(stream_lines(path), 1):
            cells = line.split("\t")
            if len(cells) != 3:
                raise DataError(
                    path,
                    f"has {len(cells)} columns; expected source, target and links such as 0-0 1-2, tabs between",
                    number,
                )
            found.append(_gold(path, number, *cells))
    if len(found) < FEWEST:
        raise DataError(
            paths[0], f"has {len(found)} pairs; an alignment error needs at least {FEWEST}, and should have 100"
        )
    return found


@measured.register
def measured_alignment(
    system: Translator, data: Sequence[Path], listener: Listener | None = None, seed: int = 1, images: int = 64
) -> Table:
    """See `measuring.measured`: the alignment error of every reading, on pairs with known links."""
    gold = read_gold(data)
    layers = attention_layers(system)
    choices = readings(layers)
    counts = _counts(system, gold, choices, listener or ignore)
    order = list(range(len(gold)))
    random.Random(seed).shuffle(order)
    chosen_on, measured_on = order[: len(order) // 2], order[len(order) // 2 :]
    errors = [alignment_error_rate([row[i] for i in chosen_on]) for row in counts]
    # Of readings that err alike the first, which is the simplest.
    best = min(range(len(choices)), key=lambda index: errors[index])
    rows = []
    for index, (reading, row) in enumerate(zip(choices, counts, strict=True)):
        other = [row[i] for i in measured_on]
        low, high = interval(other, seed)
        total = _array(other).sum(0)
        rows.append(
            (
                "mean" if reading.layer is None else f"{reading.layer + 1} of {layers}",
                "reads it" if reading.shifted else "writes it",
                "both ways" if reading.both else "one way",
                f"{100 * errors[index]:.1f}{'*' if index == best else ' '}",
                f"{100 * alignment_error_rate(other):.1f}",
                f"{100 * low:.1f} to {100 * high:.1f}",
                f"{100 * total[3] / max(1, total[0]):.1f}",
                f"{100 * total[2] / max(1, total[1]):.1f}",
            )
        )
    other = [counts[best][i] for i in measured_on]
    low, high = interval(other, seed)
    error = 100 * alignment_error_rate(other)
    told_best = choices[best].told(layers)
    return Table(
        f"Alignment error of {len(gold):,} pairs, in %",
        ("decoder layer", "at the step that", "links", "choosing", "error", "95 %", "precision", "recall"),
        rows,
        (
            f"* chosen on {len(chosen_on):,} pairs: {told_best['en']}",
            f"measured on the other {len(measured_on):,}: alignment error {error:.1f} % ({100 * low:.1f} to "
            f"{100 * high:.1f}), as Och & Ney (2003) define it; lower is better; seed {seed}",
        ),
        {
            "alignment": {
                "reading": choices[best].as_dict(),
                "error": round(error, 2),
                "interval": [round(100 * low, 2), round(100 * high, 2)],
                "pairs": len(measured_on),
                "seed": seed,
            }
        },
    )


def _counts(
    translator: Translator, gold: Sequence[GoldPair], choices: Sequence[Reading], listener: Listener
) -> list[list[Counts]]:
    """For each reading the counts of every pair.

    Raises:
        DataError: if a pair cannot be read.
    """
    found: list[list[Counts]] = [[] for _ in choices]
    starts = range(0, len(gold), AT_ONCE)
    for start in told(starts, len(starts), "aligning", listener):
        part = gold[start : start + AT_ONCE]
        for pair, links in zip(part, linked(translator, [(p.source, p.target) for p in part], choices), strict=True):
            if isinstance(links, str):
                raise DataError(f"pair {pair.source!r}", links)
            for row, read in zip(found, links, strict=True):
                row.append(Counts.of(read, pair))
    return found


def _gold(path: Path, number: int, source: str, target: str, links: str) -> GoldPair:
    sizes = len(text_words(source)), len(text_words(target))
    if not all(sizes):
        raise DataError(path, f"the {'target' if sizes[0] else 'source'} is empty", number)
    sure, possible = set(), set()
    for kind, link in _links(path, number, links):
        for side, word, size in zip(("source", "target"), link, sizes, strict=True):
            if word >= size:
                problem = f"{side} word {word} is linked, but its {size} words are numbered from 0 to {size - 1}"
                raise DataError(path, problem, number)
        possible.add(link)
        if kind == "-":
            sure.add(link)
    return GoldPair(source, target, frozenset(sure), frozenset(possible))


def _links(path: Path, number: int, links: str) -> Iterator[tuple[str, tuple[int, int]]]:
    for text in links.split():
        match = _LINK.fullmatch(text)
        if match is None or len(text) > 20:
            raise DataError(
                path, f"{clipped(text)!r} is no link; expected such as 0-2, or 0p2 for a possible one", number
            )
        yield match[2], (int(match[1]), int(match[3]))


def _array(counts: Sequence[Counts]) -> np.ndarray:
    rows = [(c.found, c.sure, c.found_sure, c.found_possible) for c in counts]
    return np.asarray(rows, dtype=np.int64).reshape(-1, 4)


def _rate(sums: np.ndarray) -> np.ndarray:
    """Rates of rows of `Counts`' four sums."""
    whole = sums[:, 0] + sums[:, 1]
    return np.where(whole > 0, 1 - (sums[:, 2] + sums[:, 3]) / np.maximum(whole, 1), 0.0)
