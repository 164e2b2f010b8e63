"""Plots as SVG that reads in grey, in light and in dark, in both languages."""

import math
from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise

from patchword.compare.plots import Plot, Point
from patchword.compare.words import Text

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 14, 44
DASHES = ("", "7 4", "2 3", "9 3 2 3", "12 5", "4 2 1 2")


def svg(plot: Plot) -> str:
    """The picture, with a legend below it.

    Colours and fonts are the page's: classes `s0` to `s5` for the series, `axis`, `grid`, `level`.
    """
    xs = _Axis([float(p.x) for s in plot.series for p in s.points if not isinstance(p.x, str)], plot.log_x)
    values = [v for s in plot.series for p in s.points for v in (p.y, p.low, p.high) if v is not None]
    values += [level for level, _ in plot.levels]
    ys = _Axis([*values, *([0.0] if plot.kind == "bars" and not plot.log_y else [])], plot.log_y, margin=True)
    names = list(dict.fromkeys(str(p.x) for s in plot.series for p in s.points))
    parts = [_grid(ys)]
    parts += [
        f'<line class="level" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{ys.down(level):.1f}" y2="{ys.down(level):.1f}"/>'
        + _text(name, WIDTH - RIGHT, ys.down(level) - 4, "end")
        for level, name in plot.levels
    ]
    if plot.kind == "bars":
        parts += [_bars(plot, names, ys)]
    else:
        ticks = xs.values if xs.legible() else xs.ticks()
        parts += [_text(Text(*[_number(tick)] * 2), xs.across(tick), HEIGHT - BOTTOM + 16, "middle") for tick in ticks]
        parts += [_line(series.points, number, xs, ys) for number, series in enumerate(plot.series)]
    parts.append(_text(plot.x, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, "middle"))
    parts.append(f'<g transform="translate(13 {HEIGHT / 2 - 16}) rotate(-90)">{_text(plot.y, 0, 0, "middle")}</g>')
    label = escape(f"{plot.title.en} / {plot.title.zh}", quote=True)
    picture = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'
    return picture + _legend(plot)


class _Axis:
    """Where a value stands: rightwards or upwards, on a linear or a logarithmic scale."""

    def __init__(self, values: Iterable[float], log: bool, margin: bool = False) -> None:
        finite = {v for v in values if math.isfinite(v) and (v > 0 or not log)}
        self.values = sorted(finite) or [1.0]
        self.log = log
        low, high = self._scaled(self.values[0]), self._scaled(self.values[-1])
        room = (high - low or abs(high) or 1.0) * (0.06 if margin else 0.03)
        # Bars stand on zero, and no room below it is needed where nothing is negative.
        self.low = low if low == 0 and not log else low - room
        self.high = high + room

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self.log else value

    def _share(self, value: float) -> float:
        if self.log and value <= 0:
            return 0.0
        return min(1.0, max(0.0, (self._scaled(value) - self.low) / (self.high - self.low)))

    def across(self, value: float) -> float:
        return LEFT + self._share(value) * (WIDTH - LEFT - RIGHT)

    def down(self, value: float) -> float:
        return HEIGHT - BOTTOM - self._share(value) * (HEIGHT - TOP - BOTTOM)

    def legible(self) -> bool:
        """Whether there is room to write every value below the axis."""
        places = [self.across(value) for value in self.values]
        return len(places) <= 6 and all(after - before >= 36 for before, after in pairwise(places))

    def ticks(self) -> list[float]:
        if self.log and self.high - self.low > 0.8:
            powers = range(math.floor(self.low), math.ceil(self.high) + 1)
            steps = (1,) if self.high - self.low > 3 else (1, 3) if self.high - self.low > 1.5 else (1, 2, 5)
            found = [step * 10.0**power for power in powers for step in steps]
        else:
            low, high = (10**self.low, 10**self.high) if self.log else (self.low, self.high)
            step = 10.0 ** math.floor(math.log10((high - low) / 4))
            step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= 5)
            found = [round(low / step + k) * step for k in range(8)]
        return [
            tick for tick in found if self.low <= (self._scaled(tick) if tick > 0 or not self.log else -9) <= self.high
        ]


def _grid(axis: _Axis) -> str:
    parts = []
    for tick in axis.ticks():
        y = f"{axis.down(tick):.1f}"
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
        parts.append(_text(Text(*[_number(tick)] * 2), LEFT - 6, axis.down(tick) + 4, "end"))
    bottom = HEIGHT - BOTTOM
    return "".join(parts) + f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{WIDTH - RIGHT}"/>'


def _line(points: Sequence[Point], number: int, xs: _Axis, ys: _Axis) -> str:
    placed = [(xs.across(float(p.x)), ys.down(p.y), p) for p in points]
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y, _ in placed)
    parts = [f'<path class="line" stroke-dasharray="{DASHES[number]}" d="{path}"/>']
    for x, y, point in placed:
        parts.append(_whisker(x, point, ys) + _mark(number, x, y, point))
    return f'<g class="s{number}">{"".join(parts)}</g>'


def _bars(plot: Plot, names: list[str], ys: _Axis) -> str:
    room = (WIDTH - LEFT - RIGHT) / len(names)
    width = 0.8 * room / len(plot.series)
    bottom = HEIGHT - BOTTOM
    parts = []
    for place, name in enumerate(names):
        centre = LEFT + room * (place + 0.5)
        parts.append(_text(Text(name, name), centre, bottom + 16, "middle"))
        for number, series in enumerate(plot.series):
            for point in (p for p in series.points if str(p.x) == name):
                x, zero = centre - 0.4 * room + width * number, ys.down(0.0)
                top, end = sorted((ys.down(point.y), bottom if plot.log_y else zero))
                box = f'x="{x + 1:.1f}" y="{top:.1f}" width="{width - 2:.1f}" height="{end - top:.1f}"'
                title = f"<title>{_number(point.y)}</title>"
                parts.append(
                    f'<g class="s{number}"><rect class="bar" {box} stroke-dasharray="{DASHES[number]}">{title}</rect>'
                    f"{_whisker(x + width / 2, point, ys)}</g>"
                )
    return "".join(parts)


def _whisker(x: float, point: Point, ys: _Axis) -> str:
    if point.low is None or point.high is None:
        return ""
    low, high = ys.down(point.low), ys.down(point.high)
    ends = f"M{x - 4:.1f} {low:.1f}h8M{x - 4:.1f} {high:.1f}h8"
    return f'<path class="whisker" d="M{x:.1f} {low:.1f}V{high:.1f}{ends}"/>'


def _mark(number: int, x: float, y: float, point: Point | None = None) -> str:
    """Circle, square, triangle, diamond, ring, cross: told apart without colour."""
    title = "" if point is None else f"<title>{escape(str(point.x))}: {_number(point.y)}</title>"
    shapes = (
        f'<circle class="mark" cx="{x:.1f}" cy="{y:.1f}" r="4">{title}</circle>',
        f'<rect class="mark" x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8">{title}</rect>',
        f'<path class="mark" d="M{x:.1f} {y - 5:.1f}l5 9h-10z">{title}</path>',
        f'<path class="mark" d="M{x:.1f} {y - 6:.1f}l5 6l-5 6l-5 -6z">{title}</path>',
        f'<circle class="ring" cx="{x:.1f}" cy="{y:.1f}" r="4">{title}</circle>',
        f'<path class="cross" d="M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8">{title}</path>',
    )
    return shapes[number]


def _legend(plot: Plot) -> str:
    items = []
    for number, series in enumerate(plot.series):
        if plot.kind == "bars":
            sample = f'<rect class="bar" x="4" y="1" width="18" height="12" stroke-dasharray="{DASHES[number]}"/>'
        else:
            dash = f'<path class="line" stroke-dasharray="{DASHES[number]}" d="M0 7H34"/>'
            sample = dash + _mark(number, 17, 7)
        group = f'<g class="s{number}">{sample}</g>'
        key = f'<svg width="34" height="14" viewBox="0 0 34 14" aria-hidden="true">{group}</svg>'
        items.append(f"<li>{key} {spans(series.name)}</li>")
    return f'<ul class="legend">{"".join(items)}</ul>'


def spans(text: Text) -> str:
    """Both languages as HTML, of which the page shows one."""
    en, zh = escape(text.en), escape(text.zh)
    return en if en == zh else f'<span class="en" lang="en">{en}</span><span class="zh" lang="zh">{zh}</span>'


def _text(text: Text, x: float, y: float, anchor: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    if text.en == text.zh:
        return f"<text {place}>{escape(text.en)}</text>"
    return f'<text class="en" {place}>{escape(text.en)}</text><text class="zh" {place}>{escape(text.zh)}</text>'


def _number(value: float) -> str:
    if value and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e")
    return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
