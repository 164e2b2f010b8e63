"""Attention as pictures: SVG where there is text, since a browser has fonts for every script; PNG for images."""

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
from PIL import Image
from torch import Tensor

CELL = 26  # pixels of a cell of an alignment
COLOURS = ("#e8590c", "#228be6", "#37b24d")  # legible on white and on black


def alignment_svg(weights: Tensor, source: Sequence[str], target: Sequence[str]) -> str:
    """A heat map of an alignment, a row a target token, a column a source token.

    Args:
        weights: (target, source), each within 0 to 1.
        source: SentencePiece's pieces, the columns' labels.
        target: the rows' labels.

    Returns:
        an <svg> element; its text has the page's colour, and each cell tells its weight when pointed at.
    """
    left = 12 + max(map(_width, target), default=0)
    top = 12 + max(map(_width, source), default=0)
    width, height = left + CELL * len(source) + 4, top + CELL * len(target) + 4
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'role="img" font-family="sans-serif" font-size="13" fill="currentColor">'
    ]
    for column, label in enumerate(source):
        x = left + CELL * column + CELL / 2 + 3
        parts.append(f'<text transform="translate({x:.0f} {top - 6}) rotate(-90)">{_shown(label)}</text>')
    for row, label in enumerate(target):
        y = top + CELL * row + CELL / 2 + 4
        parts.append(f'<text x="{left - 6}" y="{y:.0f}" text-anchor="end">{_shown(label)}</text>')
        for column, weight in enumerate(weights[row].tolist()):
            x = left + CELL * column
            hint = f"{_shown(target[row])} ← {_shown(source[column])}: {weight:.2f}"
            parts.append(
                f'<rect x="{x}" y="{top + CELL * row}" width="{CELL - 2}" height="{CELL - 2}" rx="3" '
                f'fill="{COLOURS[0]}" fill-opacity="{0.06 + 0.94 * weight:.3f}"><title>{hint}</title></rect>'
            )
    return "".join(parts) + "</svg>"


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
    """Lines over steps.

    Args:
        series: points (step, value) by name; each name is a line, with dots if its points are few.
        label: what the values are.

    Returns:
        an <svg> element of 420 x 220 pixels.
    """
    width, height, left, bottom, top = 420, 220, 46, 28, 14
    points = [point for line in series.values() for point in line]
    steps, values = [p[0] for p in points] or [0.0], [p[1] for p in points] or [0.0]
    low, high = min(values), max(values)
    span, last = (high - low) or 1.0, max(steps) or 1.0
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" font-family="sans-serif" '
        'font-size="11" fill="currentColor">',
        f'<text x="4" y="{top - 2}">{escape(label)}</text>',
    ]
    for fraction in (0.0, 0.5, 1.0):
        y = height - bottom - fraction * (height - bottom - top - 8)
        parts.append(f'<line x1="{left}" x2="{width}" y1="{y:.1f}" y2="{y:.1f}" stroke="currentColor" opacity=".15"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{low + fraction * span:.3g}</text>')
    for index, (name, line) in enumerate(series.items()):
        colour = COLOURS[index % len(COLOURS)]
        places = [
            (
                left + (width - left - 8) * step / last,
                height - bottom - (value - low) / span * (height - bottom - top - 8),
            )
            for step, value in line
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if len(places) <= 20:
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        parts.append(f'<text x="{left + 110 * index}" y="{height - 6}" fill="{colour}">{escape(name)}</text>')
    parts.append(f'<text x="{width - 4}" y="{height - 6}" text-anchor="end">step {last:,.0f}</text>')
    return "".join(parts) + "</svg>"


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
