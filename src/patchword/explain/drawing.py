"""Curves as pictures: SVG, since a browser has fonts for every script."""

import math
from collections.abc import Mapping, Sequence
from html import escape

COLOURS = ("#e8590c", "#228be6", "#37b24d")  # legible on white and on black


def curves_svg(series: Mapping[str, Sequence[tuple[float, float]]], label: str) -> str:
    """Lines over steps, between axes whose ticks are round numbers.

    Args:
        series: points (step, value) by name; each name is a line, with dots if its points are few. Points that are not
            finite are left out.
        label: what the values are.

    Returns:
        an <svg> element of 360 x 220 pixels.
    """
    width, height, bottom, top = 360, 220, 40, 30
    finite = {name: [point for point in line if all(map(math.isfinite, point))] for name, line in series.items()}
    points = [point for line in finite.values() for point in line] or [(0.0, 0.0)]
    steps = round_ticks(0.0, max(step for step, _ in points), whole=True)
    values = round_ticks(min(value for _, value in points), max(value for _, value in points))
    step_texts, value_texts = _tick_texts(steps), _tick_texts(values)
    left, right = 14 + max(map(_width, value_texts)), 6 + _width(step_texts[-1]) // 2

    def x(step: float) -> float:
        return left + (width - left - right) * step / steps[-1]

    def y(value: float) -> float:
        return height - bottom - (value - values[0]) / (values[-1] - values[0]) * (height - bottom - top)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(label)}: {escape(_told(finite))}" font-family="sans-serif" font-size="12" '
        'fill="currentColor">',
        f'<text x="4" y="14">{escape(label)}</text>',
    ]
    for tick, text in zip(values, value_texts, strict=True):
        parts.append(
            f'<line x1="{left}" x2="{width - right}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="currentColor" '
            f'opacity=".15"/><text class="y" x="{left - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{text}</text>'
        )
    floor = height - bottom
    for tick, text in zip(steps, step_texts, strict=True):
        parts.append(
            f'<line x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{floor}" y2="{floor + 4}" stroke="currentColor"/>'
            f'<text class="x" x="{x(tick):.1f}" y="{floor + 18}" text-anchor="middle">{text}</text>'
        )
    parts.append(f'<text x="{(left + width - right) / 2:.0f}" y="{height - 5}" text-anchor="middle">step</text>')
    for index, (name, line) in enumerate(finite.items()):
        colour = COLOURS[index % len(COLOURS)]
        places = [(f"{x(step):.1f}", f"{y(value):.1f}") for step, value in line]
        path = " ".join(map(",".join, places))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if len(places) <= 20:
            parts += [f'<circle cx="{across}" cy="{down}" r="3" fill="{colour}"/>' for across, down in places]
        key = 120 + 115 * index
        parts.append(
            f'<line x1="{key}" x2="{key + 16}" y1="10" y2="10" stroke="{colour}" stroke-width="3"/>'
            f'<text x="{key + 21}" y="14">{escape(name)}</text>'
        )
    return "".join(parts) + "</svg>"


def round_ticks(low: float, high: float, whole: bool = False) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten, evenly apart, that enclose low to high: at most seven.

    Args:
        low: the least value shown.
        high: the greatest; if it is hardly greater than `low`, an interval around both is enclosed.
        whole: whether only whole numbers will do.
    """
    if high - low <= 1e-6 * abs(high):
        low, high = (low, low + 1) if whole else (low - abs(low) / 2 - 0.5, low + abs(low) / 2 + 0.5)
    power = 10.0 ** math.floor(math.log10((high - low) / 5))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= (high - low) / 5 * (1 - 1e-9))
    step = max(step, 1.0) if whole else step
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, last + 1)]


def _tick_texts(ticks: Sequence[float]) -> list[str]:
    """Ticks with as many decimals as their distance has."""
    decimals = max(0, -math.floor(math.log10(ticks[1] - ticks[0]) + 1e-9))
    return [f"{tick + 0.0:,.{decimals}f}" for tick in ticks]


def _told(series: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Where each line starts and ends, for who cannot see it."""
    return "; ".join(f"{name} from {line[0][1]:.3g} to {line[-1][1]:.3g}" for name, line in series.items() if line)


def _width(label: str) -> int:
    """Pixels that a label takes at 13 pixels, generously: CJK characters are as wide as high."""
    return sum(14 if ord(char) > 0x2E80 else 8 for char in label)
