"""An explanation in a few lines, for a terminal."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from patchword.errors import one_line
from patchword.explain.packing import unpacked
from patchword.explain.words import SPACE

WORTH_SAYING = 0.05  # probability of another token, from which on it is named


def summary(document: dict[str, Any]) -> str:
    """What a document says, without its arrays; with "against" both models' in turn."""
    both = [document, document["against"]] if "against" in document else [document]
    parts = []
    for one in both:
        head = [f"{one['model']['name']}, {one['model']['architecture'].replace('_', ' ')}"] if len(both) > 1 else []
        lines = [*head, *(_of_text(one["text"]) if "text" in one else _of_image(one["image"])), *one["notes"]]
        parts.append("".join(f"{one_line(line)}\n" for line in lines))
    return "\n".join(parts)


def _of_text(text: dict[str, Any]) -> list[str]:
    linked: dict[int, list[str]] = {}
    for source, target in text["alignment"]["links"]:
        linked.setdefault(target, []).append(text["source_words"][source][2])
    rows = [("word", "from", "probability", "also weighed")]
    for number, (first, end, word) in enumerate(text["target_words"]):
        if word == "</s>" and number not in linked:
            continue
        probability = float(np.prod(text["chosen"][first:end]))
        rows.append((word, " ".join(linked.get(number, ["-"])), f"{probability:.2f}", _others(text, first)))
    return [text["source"], text["translation"], "", *_table(rows), "", text["alignment"]["sentence"]["en"]]


def _others(text: dict[str, Any], step: int) -> str:
    """Other tokens that a word could have begun with."""
    others = [
        f"{one['piece'].replace(SPACE, ' ').strip() or '␣'} {one['probability']:.2f}"
        for one in text["weighed"][step]
        if one["id"] != text["target_ids"][step] and one["probability"] >= WORTH_SAYING
    ]
    return ", ".join(others[:3])


def _of_image(image: dict[str, Any]) -> list[str]:
    lines = [f"{100 * one['probability']:5.1f} %  {one['class']}" for one in image["predictions"]]
    for one in image["maps"]:
        values = unpacked(one["array"])
        values = values.reshape(-1, *values.shape[-2:]).mean(0)
        row, column = (int(place) for place in np.unravel_index(int(values.argmax()), values.shape))
        about = f" for {one['class']}" if one.get("class") else ""
        lines.append(f"{one['id'].replace('_', ' ')}{about}: strongest in the {_place(row, column, values.shape)}")
    return lines


def _place(row: int, column: int, shape: tuple[int, ...]) -> str:
    """Where on the picture a cell is, in words and numbers."""
    down = ("upper", "middle", "lower")[min(2, 3 * row // shape[0])]
    across = ("left", "centre", "right")[min(2, 3 * column // shape[1])]
    where = "centre" if (down, across) == ("middle", "centre") else f"{down} {across}"
    return f"{where}, row {row + 1} of {shape[0]}, column {column + 1} of {shape[1]}"


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows with their columns under one another; a Chinese character is as wide as two Latin ones."""
    widths = [max(_width(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  "
        + "  ".join(f"{cell}{' ' * (width - _width(cell))}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _width(text: str) -> int:
    return sum(2 if ord(character) > 0x2E80 else 1 for character in text)
