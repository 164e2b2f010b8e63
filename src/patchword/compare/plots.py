"""Plots as data: series of points with intervals, drawn by `drawing.py`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from patchword.compare.results import Results
from patchword.compare.statistics import Interval
from patchword.compare.words import Text


@dataclass(frozen=True)
class Point:
    """One mark.

    Attributes:
        x: a number; in a plot of bars the name of what stands below.
        y: the mean.
        low: the interval's lower end; None where there is none.
        high: its upper end.
    """

    x: float | str
    y: float
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, x: float | str, interval: Interval) -> "Point":
        """A mean with its interval, if it has one."""
        known = interval.number > 1
        return cls(x, interval.mean, interval.low if known else None, interval.high if known else None)


@dataclass(frozen=True)
class Series:
    """Points of one name, joined by a line, or bars of one pattern."""

    name: Text
    points: Sequence[Point]


@dataclass(frozen=True)
class Plot:
    """One picture.

    Attributes:
        title: what it shows.
        x: what the horizontal axis counts, with its unit.
        y: what the vertical axis counts.
        series: six at most, each with a dash, a mark and a grey of its own.
        kind: lines through points, or groups of bars.
        log_x: a logarithmic axis, for lines.
        log_y: likewise.
        levels: horizontal lines to compare with, such as what guessing gives.
    """

    title: Text
    x: Text
    y: Text
    series: Sequence[Series]
    kind: Literal["lines", "bars"] = "lines"
    log_x: bool = False
    log_y: bool = False
    levels: Sequence[tuple[float, Text]] = field(default=())


def by_number(
    results: Results, figure: str, sides: Mapping[str, Text], title: Text, x: Text, y: Text, **options: Any
) -> Plot:
    """Lines of a figure against a number, for cells whose settings are a side and that number.

    Args:
        results: of all cells.
        figure: its name.
        sides: what each is called.
        title: see `Plot`, as the rest.
        x: see `Plot`.
        y: see `Plot`.
        options: further ones of `Plot`.
    """
    series = [
        Series(name, [Point.of(float(n), results.mean(figure, side, n)) for n in results.numbers(side)])
        for side, name in sides.items()
    ]
    return Plot(title, x, y, series, **options)


def numbered(results: Results, figure: str, *settings: str) -> list[Point]:
    """Points of the figures `figure1`, `figure2` and so on that cells with these settings have, by their number."""
    values = next(values for cell, values in results.figures.items() if cell.settings == settings)
    numbers = sorted(int(name.removeprefix(figure)) for name in values if re.fullmatch(rf"{figure}\d+", name))
    return [Point.of(float(number), results.mean(f"{figure}{number}", *settings)) for number in numbers]
