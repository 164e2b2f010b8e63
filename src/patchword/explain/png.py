"""An explanation as one still picture: a translation's alignment, or a map over an image beside what the model says."""

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from patchword.explain.packing import unpacked
from patchword.explain.png_fonts import Lettering, ems

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 160
# The page's colour map "tide" (page/colours.js).
TIDE_LIGHT = ("#f6f3e7", "#dcdab4", "#a6c1a5", "#5c95a2", "#2a5c8d", "#0c2050")
TIDE_DARK = ("#181d28", "#1b3a66", "#2d6690", "#6298a0", "#b2c59f", "#fdf5c6")
PAPER, INK, SOFT = "#fdfcf9", "#1d1f24", "#5b5e66"
LABELLED = 120  # pieces; the labels of more would be too small to read
OVERLAY = ("relevance", "class_activation", "rollout", "attention")  # the first that a document has is drawn


def png(document: dict[str, Any]) -> bytes:
    """The document's picture, two beside each other where it has another model's document too.

    Args:
        document: of `explanation.explained`.

    Returns:
        a PNG. Characters that no installed font has are drawn as their code points, and a line below says so.
    """
    both = [document, *([document["against"]] if "against" in document else [])]
    pictures = [_drawn(one) for one in both]
    width, height = sum(one.width for one in pictures), max(one.height for one in pictures)
    whole = Image.new("RGB", (width, height), PAPER)
    left = 0
    for one in pictures:
        whole.paste(one, (left, 0))
        left += one.width
    buffer = io.BytesIO()
    whole.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def _drawn(document: dict[str, Any]) -> Image.Image:
    lettering = Lettering()
    figure = _alignment(document, lettering) if "text" in document else _overlay(document, lettering)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, facecolor=PAPER)
    return Image.open(buffer).convert("RGB")


def _alignment(document: dict[str, Any], lettering: Lettering) -> "Figure":
    """The alignment's heat map: rows the translation's pieces, columns the source's, read as the alignment is read."""
    from matplotlib.figure import Figure

    text = document["text"]
    source, target = (
        [_short(lettering.piece(one), 16) for one in text[f"{side}_pieces"]] for side in ("source", "target")
    )
    weights, read = _read_weights(text)
    size = 0.27 if max(len(source), len(target)) <= 40 else 0.13
    letters = size * 34
    above, beside = (0.3 + letters / 72 * max(map(ems, labels), default=0.0) for labels in (source, target))
    width, height = max(5.0, size * len(source) + beside + 0.5), size * len(target) + above + 1.7
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes(
        (beside / width, 1.25 / height, size * len(source) / width, size * len(target) / height), anchor="NW"
    )
    scaled = axes.imshow(weights, cmap=_tide(TIDE_LIGHT), vmin=0.0, aspect="auto", interpolation="nearest")
    axes.xaxis.tick_top()
    for axis, labels in ((axes.xaxis, source), (axes.yaxis, target)):
        _labelled(axis, labels, letters, lettering)
    for label in axes.get_xticklabels():
        label.set_rotation(90)
    _plain(axes)
    _scale(figure, scaled, (beside / width, 0.8 / height, min(2.4, width - beside - 0.3) / width, 0.09 / height), read)
    _heading(figure, document, lettering, height)
    return figure


def _read_weights(text: dict[str, Any]) -> tuple[np.ndarray, str]:
    """(target, source) of the layer that the alignment is read from, heads averaged, and that as words."""
    reading = text.get("alignment", {}).get("reading", {})
    maps = unpacked(text["maps"]["cross"]).mean(1)
    layer = reading.get("layer")
    weights = maps.mean(0) if layer is None else maps[layer]
    if reading.get("shifted"):
        weights = np.concatenate([weights[1:], weights[-1:]])
    which = "mean of all layers" if layer is None and len(maps) > 1 else f"layer {(layer or 0) + 1}"
    return weights, f"attention, {which}, mean of heads"


def _overlay(document: dict[str, Any], lettering: Lettering) -> "Figure":
    """The picture under its most telling map, and the classes with their probabilities."""
    from matplotlib.figure import Figure

    image = document["image"]
    across = image["width"] / image["height"]
    height_of_picture = min(3.6, 4.6 / across)
    width_of_picture = height_of_picture * across
    width, height = max(width_of_picture + 3.9, 6.0), height_of_picture + 1.9
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0.25 / width, 1.1 / height, width_of_picture / width, height_of_picture / height))
    axes.imshow(_opened(image["picture"]), extent=(0.0, 1.0, 1.0, 0.0), aspect="auto")
    found = {one["id"]: one for one in reversed(image["maps"])}
    chosen = next((found[one] for one in OVERLAY if one in found), None)
    if chosen is not None:
        left, top, right, bottom = image["box"]
        values = unpacked(chosen["array"])
        while values.ndim > 2:  # attention by layer and head: the last layer, the mean of its heads
            values = values[-1] if values.ndim == 4 else values.mean(0)
        scaled = axes.imshow(
            values, cmap=_tide(TIDE_DARK), alpha=0.6, extent=(left, right, bottom, top), interpolation="nearest",
            aspect="auto",
        )  # fmt: skip
        name = chosen["id"].replace("_", " ") + (f", {chosen['class']}" if chosen["class"] is not None else "")
        _scale(
            figure, scaled, (0.25 / width, 0.72 / height, min(2.4, width_of_picture) / width, 0.09 / height),
            lettering.plain(name),
        )  # fmt: skip
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(1.0, 0.0)
    axes.set_xticks([])
    axes.set_yticks([])
    _plain(axes)
    _classes(figure, image["predictions"], lettering, width_of_picture + 0.65, width, height, height_of_picture)
    _heading(figure, document, lettering, height)
    return figure


def _classes(
    figure: "Figure", predictions: list[dict[str, Any]], lettering: Lettering, left: float, width: float, height: float,
    room: float,
) -> None:  # fmt: skip
    axes = figure.add_axes(
        (left / width, (1.1 + room * 0.1) / height, (width - left - 0.25) / width, room * 0.9 / height)
    )
    for row, one in enumerate(predictions):
        strength = 1.0 if row == 0 else 0.55
        axes.barh(row + 0.18, one["probability"], height=0.22, color=TIDE_LIGHT[4], alpha=strength)
        name = _short(lettering.plain(str(one["class"])), 34)
        axes.text(0, row - 0.05, name, va="bottom", fontsize=9, color=INK, **lettering.style)
        axes.text(1, row - 0.05, f"{100 * one['probability']:.1f} %", va="bottom", ha="right", fontsize=9, color=SOFT)
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(max(len(predictions), 3) - 0.4, -0.6)
    axes.set_axis_off()


def _heading(figure: "Figure", document: dict[str, Any], lettering: Lettering, height: float) -> None:
    """The title above; below, what the model is and which characters could not be drawn."""
    model = document["model"]
    title = _short(lettering.plain(str(document["title"])), int(figure.get_figwidth() * 10))
    left = 0.25 / figure.get_figwidth()
    figure.text(left, 1 - 0.2 / height, title, va="top", fontsize=11, color=INK, **lettering.style)
    about = lettering.plain(f"{model['name']} · {model['architecture'].replace('_', ' ')}")
    figure.text(left, 0.28 / height, about, va="bottom", fontsize=7.5, color=SOFT, **lettering.style)
    if lettering.missing:
        codes = " ".join(f"U+{ord(one):04X}" for one in sorted(lettering.missing)[:8])
        note = f"No installed font has {codes}{' …' if len(lettering.missing) > 8 else ''}: drawn as code points."
        figure.text(left, 0.1 / height, note, va="bottom", fontsize=7.5, color=SOFT)


def _labelled(axis: Any, labels: list[str], letters: float, lettering: Lettering) -> None:
    if len(labels) > LABELLED:
        return
    axis.set_ticks(range(len(labels)), labels, fontsize=letters, color=INK, **lettering.style)


def _scale(figure: "Figure", scaled: Any, place: tuple[float, float, float, float], name: str) -> None:
    from matplotlib.cm import ScalarMappable

    axes = figure.add_axes(place)
    solid = ScalarMappable(scaled.norm, scaled.cmap)  # the scale has the colours that are laid over a picture
    bar = figure.colorbar(solid, cax=axes, orientation="horizontal")
    bar.ax.tick_params(labelsize=7, length=2, colors=SOFT)
    bar.outline.set_visible(False)
    bar.ax.set_title(name, fontsize=7.5, color=SOFT, loc="left", pad=3, parse_math=False)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _plain(axes: "Axes") -> None:
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _tide(points: tuple[str, ...]) -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("tide", points)


def _opened(data_url: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(data_url.partition(",")[2]))).convert("RGB")
