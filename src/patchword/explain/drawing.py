"""Attention as pictures: SVG where there is text, since a browser has fonts for every script; PNG for images."""

import base64
import io
import math
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
from PIL import Image
from torch import Tensor

CELL = 28  # pixels of a cell of an alignment: three digits fit into it
COLOURS = ("#e8590c", "#228be6", "#37b24d")  # legible on white and on black
STRONGEST = 0.66  # opacity of the weight 1; the page's text on it keeps a contrast of 4.5 on white and on black


def alignment_svg(weights: Tensor, source: Sequence[str], target: Sequence[str]) -> str:
    """A heat map of an alignment, a row a target token, a column a source token.

    Args:
        weights: (target, source), each within 0 to 1.
        source: SentencePiece's pieces, the columns' labels.
        target: the rows' labels.

    Returns:
        an <svg> element; its text has the page's colour. Each cell shows its weight in percent, unless that rounds to
        0; what is read out instead of the picture is each target token's strongest source token.
    """
    left, top = 12 + max(map(_width, target), default=0), 12 + max(map(_width, source), default=0)
    width, height = alignment_width(source, target), top + CELL * len(target) + 4
    parts = []
    for column, label in enumerate(source):
        x = left + CELL * column + CELL / 2 + 3
        parts.append(f'<text transform="translate({x:.0f} {top - 6}) rotate(-90)">{_shown(label)}</text>')
    strongest = []
    for row, label in enumerate(target):
        y = top + CELL * row + CELL / 2 + 4
        parts.append(f'<text x="{left - 6}" y="{y:.0f}" text-anchor="end">{_shown(label)}</text>')
        values = weights[row].tolist()
        for column, weight in enumerate(values):
            x, percent = left + CELL * column, round(100 * weight)
            opacity = 0.05 + (STRONGEST - 0.05) * weight
            hint = f"{_shown(label)} ← {_shown(source[column])}: {weight:.2f}"
            parts.append(
                f'<g><title>{hint}</title><rect x="{x}" y="{top + CELL * row}" width="{CELL - 2}" '
                f'height="{CELL - 2}" rx="3" fill="{COLOURS[0]}" fill-opacity="{opacity:.3f}"/>'
            )
            if percent:
                parts.append(
                    f'<text x="{x + CELL / 2 - 1:.0f}" y="{y:.0f}" text-anchor="middle" font-size="12">{percent}</text>'
                )
            parts.append("</g>")
        if values:
            best = max(range(len(values)), key=values.__getitem__)
            strongest.append(f"{_shown(label)} ← {_shown(source[best])} {100 * values[best]:.0f} %")
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{"; ".join(strongest)}" font-family="sans-serif" font-size="13" fill="currentColor">'
    )
    return head + "".join(parts) + "</svg>"


def alignment_width(source: Sequence[str], target: Sequence[str]) -> int:
    """Width in pixels of the picture that `alignment_svg` draws."""
    return 16 + max(map(_width, target), default=0) + CELL * len(source)


def image_data_uri(pixels: Tensor, size: int = 128) -> str:
    """Pixels (3, height, width), uint8, as a PNG data URI `size` pixels high, enlarged without smoothing."""
    return _data_uri(_enlarged(Image.fromarray(pixels.permute(1, 2, 0).numpy()), size))


def attention_overlay(pixels: Tensor, weights: Tensor, size: int = 128) -> str:
    """An image with what was looked at in colour and the rest dark.

    Args:
        pixels: (3, height, width), uint8.
        weights: (rows, columns), not negative; the largest becomes the brightest.
        size: height of the picture in pixels.

    Returns:
        a PNG data URI.
    """
    from matplotlib import colormaps

    image = np.asarray(_enlarged(Image.fromarray(pixels.permute(1, 2, 0).numpy()), size), dtype=np.float32) / 255
    scaled = (weights - weights.min()) / (weights.max() - weights.min()).clamp(min=1e-9)
    grey = Image.fromarray((scaled.numpy() * 255).astype(np.uint8))
    heat = np.asarray(grey.resize((image.shape[1], image.shape[0]), Image.Resampling.BICUBIC), dtype=np.float32) / 255
    colour = colormaps["inferno"](heat)[..., :3]
    return _data_uri(Image.fromarray(((0.4 * image + 0.6 * colour) * 255).clip(0, 255).astype(np.uint8)))


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


def _shown(piece: str) -> str:
    """A token as people read it: SentencePiece marks a space by "▁", "·" here; the end token is a square."""
    text = "■" if piece == "</s>" else piece.replace("▁", "·")
    return escape("".join(char if char.isprintable() else "�" for char in text))


def _width(label: str) -> int:
    """Pixels that a label takes at 13 pixels, generously: CJK characters are as wide as high."""
    return sum(14 if ord(char) > 0x2E80 else 8 for char in label)


def _enlarged(image: Image.Image, size: int) -> Image.Image:
    width = max(1, round(image.width * size / image.height))
    return image.resize((width, size), Image.Resampling.NEAREST if image.height < size else Image.Resampling.BICUBIC)


def _data_uri(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
