"""The walk: one sentence, or one image, led through a network in the papers' own steps, for the document of an
explanation.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from patchword.explain.packing import packed
from patchword.explain.walk_texts import group_of, heading, told
from patchword.explain.walk_windows import Window, Windows
from patchword.images.classifier import ImageClassifier
from patchword.nn.trace import WalkTrace
from patchword.text.translator import Translator


def walk_of_text(
    translator: Translator,
    source_ids: Sequence[int],
    target_ids: Sequence[int],
    source_pieces: Sequence[str],
    target_pieces: Sequence[str],
) -> list[dict[str, Any]]:
    """From pieces to the words that were written.

    In every step the target is what the decoder reads, the start token first, so row t is where piece t is written.

    Args:
        translator: whose network, not its packed form, is walked through.
        source_ids: of one sentence, with the end token.
        target_ids: that were written; with the end token, if there was room for it.
        source_pieces: as text, one an id.
        target_pieces: as text, one an id.

    Returns:
        steps as the document of an explanation has them; see `_step`.
    """
    network, vocabulary, start = translator.model, translator.vocabulary, translator.model.config.bos_id
    if target_ids and target_ids[0] == start:
        target_ids, target_pieces = target_ids[1:], target_pieces[1:]
    read = [start, *target_ids[:-1]]
    device = translator.network.device
    trace = WalkTrace(Windows(written=target_ids))
    network.walk(torch.tensor([list(source_ids)], device=device), torch.tensor([read], device=device), trace)
    labels = {"source": list(source_pieces), "target": [*vocabulary.target_pieces([start]), *target_pieces[:-1]]}
    pieces = {
        "source.": _pieces("source.pieces", "source", source_ids, labels["source"]),
        "target.": _pieces("target.pieces", "target", read, labels["target"]),
    }
    steps: list[dict[str, Any]] = []
    for window in trace.steps:
        for side in [side for side in pieces if window.name.startswith(side)]:
            steps.append(pieces.pop(side))
        step = _step(window, labels, image=False)
        if window.kind == "words":
            step["items"] = _words(window, target_ids, target_pieces, vocabulary)
        steps.append(step)
    return steps


def walk_of_image(classifier: ImageClassifier, pixels: Tensor) -> list[dict[str, Any]]:
    """From pixels to classes.

    Args:
        classifier: whose network, not its packed form, is walked through.
        pixels: that the model sees, uint8, (3, height, width).

    Returns:
        steps as the document of an explanation has them; see `_step`.
    """
    preprocessing = classifier.preprocessing
    images = preprocessing.normalise(pixels[None].to(classifier.network.device)).to(classifier.network.dtype)
    trace = WalkTrace(Windows(colours=(preprocessing.mean, preprocessing.std)))
    classifier.model.walk(images, trace)
    names = {window.name.rpartition(".")[2] for window in trace.steps}
    patches = next((window.shape[0] for window in trace.steps if window.axes[0] == "patch"), 0)
    classes = classifier.classes
    steps = []
    for window in trace.steps:
        labels: dict[str, list[str]] = {}
        if "token" in window.axes:
            labels["token"] = _tokens(window.shape[window.axes.index("token")] - patches, patches, names, window.name)
        step = _step(window, labels, image=True)
        if window.picked is not None:
            measure = "probability" if window.name.endswith(".probabilities") else "value"
            named = zip(window.picked.tolist(), window.values.tolist(), strict=True)
            step["items"] = [{"class": classes[place], measure: _rounded(number)} for place, number in named]
        steps.append(step)
    return steps


def _step(window: Window, labels: Mapping[str, Sequence[str]], image: bool) -> dict[str, Any]:
    """A step of the document.

    "id", "group" and its "heading", "title" and "text" in "en" and "zh", "paper" and "formula" (or null), "axes" and
    "shape" of all values without the batch, "kind", "array" (`packed`, or null for words), "shown", which of the values
    the array has, in "en" and "zh", "labels" of axes as far as they are shown, "statistics" of all values. Tokens,
    words and classes have "items" besides.
    """
    # Who computes a step again from the numbers before it needs more than what a colour shows.
    bits = 8 if window.kind == "pictures" else 16
    extents = {
        axis: max(size for name, size in zip(window.value_axes, window.values.shape, strict=True) if name == axis)
        for axis in window.value_axes
    }
    return {
        **_named(window.name, image),
        "axes": list(window.axes),
        "shape": list(window.shape),
        "kind": window.kind,
        "array": None if window.kind == "words" else packed(window.values, window.value_axes, bits),
        "shown": _both(window.shown),
        "labels": {axis: list(labels[axis][:extent]) for axis, extent in extents.items() if axis in labels},
        "statistics": window.statistics,
    }


def _pieces(name: str, axis: str, ids: Sequence[int], pieces: Sequence[str]) -> dict[str, Any]:
    """The step before the first: a sentence as ids."""
    return {
        **_named(name, image=False),
        "axes": [axis],
        "shape": [len(ids)],
        "kind": "tokens",
        "array": None,
        "shown": _both(("all values", "全部数值")),
        "labels": {},
        "items": [{"piece": piece, "id": int(place)} for place, piece in zip(ids, pieces, strict=True)],
        "statistics": None,
    }


def _named(name: str, image: bool) -> dict[str, Any]:
    """What is told of a step, before its numbers."""
    found, group = told(name, image), group_of(name)
    return {
        "id": name,
        "group": group,
        "heading": _both(heading(group)),
        "title": _both(found.title),
        "text": _both(found.text),
        "paper": found.paper,
        "formula": found.formula,
    }


def _words(window: Window, ids: Sequence[int], pieces: Sequence[str], vocabulary: Any) -> list[dict[str, Any]]:
    """What was written at each position with, as "weighed", the likeliest there; the likeliest if nothing was."""
    assert window.picked is not None
    assert window.chosen is not None
    written = [_word(*word) for word in zip(pieces, ids, window.chosen.tolist(), strict=False)]
    items = []
    for position, (row, shares) in enumerate(zip(window.picked.tolist(), window.values.tolist(), strict=True)):
        weighed = [_word(*word) for word in zip(vocabulary.target_pieces(row), row, shares, strict=True)]
        items.append({**(written[position] if position < len(written) else weighed[0]), "weighed": weighed})
    return items


def _word(piece: str, place: int, probability: float) -> dict[str, Any]:
    return {"piece": piece, "id": int(place), "probability": _rounded(probability)}


def _rounded(number: float) -> float:
    return float(f"{number:.4g}")


def _tokens(before: int, patches: int, names: set[str], step: str) -> list[str]:
    """Names of what goes through an encoder: special tokens, then patches by their number."""
    special = [label for name, label in (("class_token", "[CLS]"), ("distillation_token", "[DIST]")) if name in names]
    if step.endswith(".distillation_token"):  # the class token comes in front of it in the next step
        special = ["[DIST]"]
    registers = [f"[REG {number}]" for number in range(1, before - len(special) + 1)]
    return [*special, *registers, *(str(number) for number in range(1, patches + 1))]


def _both(said: tuple[str, str]) -> dict[str, str]:
    return {"en": said[0], "zh": said[1]}
