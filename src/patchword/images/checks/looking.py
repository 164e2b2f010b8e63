"""Looking for what is wrong with labelled images: each is decoded once, and little is kept of it."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from patchword.errors import DataError
from patchword.findings import TEST, TRAIN, VALIDATION, Finding, Findings
from patchword.images.checks import kinds
from patchword.images.checks.alike import alike
from patchword.images.checks.classes import odd_classes
from patchword.images.checks.portrait import SIDE, Portrait, painter
from patchword.images.checks.splits import Split, read_all
from patchword.training.events import Listener, ignore, told

LEAST_SIDE = 8  # pixels of an image that shows something
_MUCH_SMALLER = 8  # times than most

# A split is scored by those after it: what they hold too makes the scores better than they are.
_ORDER = (TRAIN, VALIDATION, TEST)


class _Image(NamedTuple):
    split: str
    name: str
    label: str
    portrait: Portrait
    told: str

    @property
    def rank(self) -> int:
        return _ORDER.index(self.split)


def look(paths: Mapping[str, Sequence[Path]], max_pixels: int, listener: Listener = ignore) -> Findings:
    """What is wrong with images that are to be trained on, and with validation and test images beside them.

    Args:
        paths: by split, one each.
        max_pixels: that may be decoded of one image.
        listener: hears how far it is.

    Raises:
        DataError: if there are no images, or one class alone.
        RecipeError: if a library is missing.
    """
    splits = read_all(paths, max_pixels)
    train = splits[0].data
    if len(train.classes) < 2:
        raise DataError(train.origin, f"has one class only ({train.classes[0]!r}); at least two are needed")
    images, found = _portraits(splits, listener)
    found += [*_alone(images), *_same(images), *_nearly(images), *odd_classes(splits)]
    order = {kind.name: number for number, kind in enumerate(kinds.KINDS)}
    found.sort(key=lambda finding: order[finding.kind])
    notes = list(dict.fromkeys(note for split in splits for note in split.data.notes))
    small = sum(min(image.portrait.size) < SIDE for image in images)
    if small:
        notes.append(f"{small:,} images of less than {SIDE} pixels a side were not compared: too many look alike")
    if len(splits) == 1:
        notes.append("leaks were not looked for: there are no validation and no test images")
    return Findings("images", {split.name: len(split.data) for split in splits}, kinds.KINDS, found, notes)


def _portraits(splits: Iterable[Split], listener: Listener) -> tuple[list[_Image], list[Finding]]:
    paint = painter()
    images: list[_Image] = []
    broken = []
    for split in splits:
        data = split.data
        for index in told(range(len(data)), len(data), f"looking at {split.name} images", listener):
            try:
                portrait = paint(data.open(index))
            except DataError as error:
                problem = str(error).removeprefix(f"{data.name_of(index)}: ")
                broken.append(Finding(kinds.BROKEN.name, split.name, data.names[index], None, problem))
                continue
            label = data.classes[data.labels[index]]
            images.append(_Image(split.name, data.names[index], label, portrait, data.name_of(index)))
    return images, broken


def _finding(kind: str, image: _Image, text: str, other: str = "") -> Finding:
    return Finding(kind, image.split, image.name, None, text, other)


def _alone(images: Sequence[_Image]) -> list[Finding]:
    """What is odd about an image whatever others show."""
    usual = float(np.median([min(image.portrait.size) for image in images])) if images else 0.0
    found = []
    for image in images:
        width, height = image.portrait.size
        if min(width, height) < LEAST_SIDE or min(width, height) * _MUCH_SMALLER < usual:
            found.append(_finding(kinds.TINY.name, image, f"{width} x {height} pixels"))
        elif image.portrait.one_colour:
            found.append(_finding(kinds.ONE_COLOUR.name, image, f"class {image.label}"))
    return found


def _same(images: Sequence[_Image]) -> list[Finding]:
    """Images with the same pixels, each told once by the worst that it is."""
    groups: dict[bytes, list[_Image]] = {}
    for image in images:
        groups.setdefault(image.portrait.digest, []).append(image)
    found = []
    for group in (group for group in groups.values() if len(group) > 1):
        for number, image in enumerate(group):
            scored = next((other for other in group if other.rank > image.rank), None)
            within = [other for other in group if other.split == image.split and other is not image]
            other_class = next((other for other in within if other.label != image.label), None)
            if scored is not None:
                said = f"{scored.split}, class {scored.label}; here {image.label}"
                found.append(_finding(kinds.LEAK.name, image, said, scored.told))
            elif other_class is not None:
                said = f"class {image.label}, there {other_class.label}"
                found.append(_finding(kinds.TWO_CLASSES.name, image, said, other_class.told))
            elif any(other in group[:number] for other in within):
                found.append(_finding(kinds.DUPLICATE.name, image, f"class {image.label}", within[0].told))
    return found


def _nearly(images: Sequence[_Image]) -> list[Finding]:
    """Images that look like others, each told once; of those with the same pixels one is compared."""
    first: dict[tuple[str, bytes], int] = {}
    for number, image in enumerate(images):
        if image.portrait.can_be_compared:
            first.setdefault((image.split, image.portrait.digest), number)
    own = sorted(first.values())
    worst: dict[int, tuple[bool, _Image]] = {}
    for pair in alike([images[n].portrait for n in own], [images[n].rank for n in own]):
        for one, two in (pair, pair[::-1]):
            image, other = images[own[one]], images[own[two]]
            if image.portrait.digest == other.portrait.digest:  # which `_same` tells
                continue
            leaks = other.rank > image.rank
            if leaks or (other.rank == image.rank and two < one):
                known = worst.get(own[one])
                if known is None or (leaks and not known[0]):
                    worst[own[one]] = leaks, other
    found = []
    for number, (leaks, other) in sorted(worst.items()):
        image = images[number]
        said = f"class {image.label}" + (f", there {other.label}" if other.label != image.label else "")
        kind = kinds.LEAK_NEAR if leaks else kinds.NEAR
        found.append(_finding(kind.name, image, f"{other.split}, {said}" if leaks else said, other.told))
    return found
