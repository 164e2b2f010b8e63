"""Cuts a step of the walk to what a person can look at, at the moment when it is noted."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from patchword.nn.trace import Step

ROWS, COLUMNS = 24, 48  # most numbers of a matrix that are shown
BARS = 48
CLASSES = 10
WORDS = 5
POSITIONS = 200  # most positions whose likeliest words are listed
MAPS, MAP_SIDE = 16, 24  # most feature maps, and pixels of their sides
IMAGE_SIDE = 112
PATCHES, PATCH_NUMBERS = 1024, 60_000  # most patches, and numbers of all of them

_CHINESE = {
    "head": "注意力头",
    "source": "源词片",
    "target": "目标词片",
    "token": "token",
    "patch": "图块",
    "channel": "通道",
    "position": "位置",
    "class": "类别",
    "word": "词",
    "picture": "图",
}


@dataclass(frozen=True)
class Window:
    """What is kept of a step.

    Attributes:
        name: the step's.
        axes: of all of its values, without the batch.
        shape: of all of its values, without the batch.
        kind: "matrix", "bars", "pictures" or "words".
        values: the window, float32.
        value_axes: what its dimensions count. Colours stand last, as "channel".
        picked: places along the last axis of those shown, likeliest first, where they are not simply the first.
        chosen: the probability of each word that was written, if any.
        statistics: "mean", "deviation", "least" and "most" of all of its values.
        shown: in English and Chinese, which of the values the window has.
    """

    name: str
    axes: tuple[str, ...]
    shape: tuple[int, ...]
    kind: str
    values: Tensor
    value_axes: tuple[str, ...]
    statistics: dict[str, float]
    shown: tuple[str, str]
    picked: Tensor | None = None
    chosen: Tensor | None = None


class Windows:
    """Makes windows of a network's steps for one sentence or one image, the first of the batch.

    Args:
        written: ids that were written, one for each target position, whose probabilities are kept; None for none.
        colours: mean and standard deviation of each channel that pixels were normalised by, to undo it.
    """

    def __init__(
        self, written: Sequence[int] | None = None, colours: tuple[Sequence[float], Sequence[float]] | None = None
    ) -> None:
        self._written = written
        self._colours = colours

    def __call__(self, step: Step) -> Window:
        """The window of a step."""
        axes, values = step.axes, step.values
        if axes[0] == "batch":
            axes, values = axes[1:], values[0]
        values = values.float()
        if axes[-1] == "word":
            cut = self._words(values, axes)
        elif axes[-1] == "class":
            cut = _classes(values, axes)
        elif axes[-2:] == ("row", "column"):
            cut = self._pictures(values, axes)
        else:
            cut = _numbers(values, axes)
        kind, shown, value_axes, sentence, picked, chosen = cut
        told = statistics(values)
        # What is no number, which only a broken network computes, is shown as the nearest that is one.
        shown = shown.nan_to_num(told["mean"], told["most"], told["least"])
        return Window(
            step.name,
            axes,
            tuple(values.shape),
            kind,
            # A copy of its own, since a view would keep the whole.
            shown.cpu().clone(memory_format=torch.contiguous_format),
            value_axes,
            told,
            sentence,
            picked,
            chosen,
        )

    def _words(self, values: Tensor, axes: tuple[str, ...]) -> "_Cut":
        rows = values[:POSITIONS]
        best = rows.topk(min(WORDS, rows.size(-1)), dim=-1)
        chosen = None
        if self._written is not None:
            ids = torch.tensor(self._written[:POSITIONS], dtype=torch.long, device=rows.device)
            chosen = rows[: len(ids)].gather(1, ids[:, None])[:, 0].cpu()
        count = best.values.size(-1)
        parts = [_range(axes[0], len(rows), values.size(0)), _likeliest("word", count, values.size(-1))]
        return "words", best.values, axes, _joined(parts), best.indices.cpu(), chosen

    def _pictures(self, values: Tensor, axes: tuple[str, ...]) -> "_Cut":
        coloured = "colour" in axes
        grid = values.shape[:2] if values.dim() == 5 else None
        pictures = values.flatten(0, 1) if grid else values[None] if coloured else values
        first = "patch" if grid else "picture" if coloured else axes[0]
        total, (height, width) = pictures.size(0), pictures.shape[-2:]
        colours = pictures.size(1) if coloured else 1
        if not coloured:
            most, side = MAPS, MAP_SIDE
        elif first == "picture":
            most, side = 1, IMAGE_SIDE
        else:
            most = PATCHES
            side = max(2, int(math.sqrt(PATCH_NUMBERS / (min(total, most) * colours))))
        pictures = pictures[:most]
        scale = min(1.0, side / max(height, width))
        size = (max(1, round(height * scale)), max(1, round(width * scale)))
        if size != (height, width):
            flat = pictures.reshape(-1, 1, height, width)
            pictures = F.adaptive_avg_pool2d(flat, size).view(*pictures.shape[:-2], *size)
        if coloured:
            if self._colours is not None:
                mean, deviation = (torch.tensor(c, device=pictures.device)[:, None, None] for c in self._colours)
                pictures = (pictures * deviation + mean).clamp(0, 1)
            pictures = pictures.movedim(1, -1)
        parts = [] if first == "picture" else [_range(first, pictures.size(0), total)]
        if size != (height, width):
            parts.append(
                (
                    f"{size[0]} × {size[1]} means of {height} × {width} pixels",
                    f"{height} × {width} 像素平均为 {size[0]} × {size[1]}",
                )
            )
        shown = (first, "row", "column", "channel") if coloured else (first, "row", "column")
        if grid and pictures.size(0) == total:
            pictures, shown = pictures.unflatten(0, grid), (*axes[:2], *shown[1:])
        return "pictures", pictures, shown, _joined(parts), None, None


_Cut = tuple[str, Tensor, tuple[str, ...], tuple[str, str], Tensor | None, Tensor | None]


def statistics(values: Tensor) -> dict[str, float]:
    """Of all numbers that are finite: "mean", "deviation", "least" and "most"; zeros if there are none."""
    least, most = values.aminmax() if values.numel() else (values.new_zeros(()), values.new_zeros(()))
    if not bool((least.isfinite() & most.isfinite()).all()):
        values = values[values.isfinite()]
        least, most = values.aminmax() if values.numel() else (values.new_zeros(()), values.new_zeros(()))
    if not values.numel():
        return dict.fromkeys(("mean", "deviation", "least", "most"), 0.0)
    deviation, mean = torch.std_mean(values, correction=0)
    found = {"mean": mean, "deviation": deviation, "least": least, "most": most}
    return {name: float(f"{value.item():.6g}") for name, value in found.items()}


def _classes(values: Tensor, axes: tuple[str, ...]) -> _Cut:
    best = values.topk(min(CLASSES, values.size(-1)))
    sentence = _joined([_likeliest("class", best.values.size(-1), values.size(-1))])
    return "bars", best.values, axes, sentence, best.indices.cpu(), None


def _numbers(values: Tensor, axes: tuple[str, ...]) -> _Cut:
    """One head of several, then the first rows and columns."""
    parts: list[tuple[str, str] | None] = []
    while values.dim() > 2:
        parts.append(_one(axes[0], values.size(0)))
        values, axes = values[0], axes[1:]
    limits = (BARS,) if values.dim() == 1 else (ROWS, COLUMNS)
    for place, (axis, limit) in enumerate(zip(axes, limits, strict=True)):
        parts.append(_range(axis, min(limit, values.size(place)), values.size(place)))
        values = values.narrow(place, 0, min(limit, values.size(place)))
    return "bars" if values.dim() == 1 else "matrix", values, axes, _joined(parts), None, None


def _one(axis: str, total: int) -> tuple[str, str] | None:
    return None if total == 1 else (f"{axis} 1 of {total:,}", f"{_CHINESE.get(axis, axis)} 1（共 {total:,}）")


def _range(axis: str, count: int, total: int) -> tuple[str, str] | None:
    if count == total:
        return None
    return f"{axis} 1–{count} of {total:,}", f"{_CHINESE.get(axis, axis)} 1–{count}（共 {total:,}）"


def _likeliest(axis: str, count: int, total: int) -> tuple[str, str] | None:
    if count == total:
        return None
    return f"the {count} largest of {total:,} ({axis})", f"{total:,} 个{_CHINESE.get(axis, axis)}中最大的 {count} 个"


def _joined(parts: Sequence[tuple[str, str] | None]) -> tuple[str, str]:
    said = [part for part in parts if part is not None]
    if not said:
        return "all values", "全部数值"
    return "; ".join(part[0] for part in said), "；".join(part[1] for part in said)
