"""How faithful a classifier's maps are: deletion and insertion beside a random order, over many images."""

import math
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from patchword.errors import DataError
from patchword.explain.deletion import CELLS, Areas, areas, cells_of, on_cells, order_of
from patchword.explain.image_maps import MAPS, image_maps
from patchword.explain.integrated_gradients import integrated_gradients
from patchword.explain.measuring import Table, measured
from patchword.images.classifier import ImageClassifier
from patchword.images.sources import Picture
from patchword.training.events import Listener, ignore, told

RANDOM = 5  # orders of an image, whose mean every map is compared with
REFERENCE = "integrated gradients"
_RESAMPLES = 2000
_FIGURES = ("mean", "low", "high")

NAMES = {
    "attention": "attention, last layer",
    "rollout": "attention rollout",
    "relevance": "relevance",
    "class_activation": "Grad-CAM",
    REFERENCE: f"{REFERENCE} (captum)",
}


@measured.register
def _(
    system: ImageClassifier,
    data: Sequence[Path],
    listener: Listener | None = None,
    seed: int = 1,
    images: int = 64,
) -> Table:
    """The table of a classifier; classes of the images need not be known.

    Raises:
        DataError: if none of the images can be read.
        HeadlessError: if the model has no classes.
    """
    pictures, notes = system.pictures(list(data))
    gains, skipped = gains_over_random(system, pictures, listener or ignore, seed, images)
    figures = {name: {way: interval(values[way], seed) for way in Areas._fields} for name, values in gains.items()}
    number = len(next(iter(gains.values()))["deletion"])
    rows = [[NAMES[name], *(_text(figures[name][way]) for way in Areas._fields)] for name in figures]
    notes += [
        f"Area under the curve of the likeliest class's probability over {CELLS} x {CELLS} cells, compared with the "
        f"mean of {RANDOM} random orders; positive is better than random; 95 % intervals by bootstrap over images.",
        "Deletion paints cells in the mean colour, the most relevant first; insertion puts them into a blurred image.",
    ]
    if REFERENCE not in figures:
        notes.append(f"captum is not installed, so there is no {REFERENCE} to compare with.")
    if skipped:
        notes.append(
            f"{skipped:,} image{'s' * (skipped != 1)} could not be read, and others were drawn where there were any."
        )
    kept = {name: {**found, "images": number} for name, found in figures.items() if name in MAPS}
    return Table(
        f"Faithfulness of maps, {number:,} images, seed {seed}",
        ("map", "deletion: random - map", "insertion: map - random"),
        rows,
        notes,
        {"maps": kept},
    )


def gains_over_random(
    system: ImageClassifier, pictures: Sequence[Picture], listener: Listener, seed: int, images: int
) -> tuple[dict[str, dict[str, NDArray[np.float64]]], int]:
    """How much better than random each kind of map is, image by image.

    Args:
        system: a classifier.
        pictures: from which images are drawn.
        listener: hears how far it is.
        seed: of the draw and of the random orders.
        images: how many; all where there are fewer.

    Returns:
        by kind, "deletion" and "insertion", (images,), positive for better; and how many could not be read.
    """
    order = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(seed)).tolist()
    gains: dict[str, dict[str, list[float]]] = {}
    skipped = 0
    candidates = iter(order)
    wanted = min(images, len(order))
    for number in told(range(wanted), wanted, "measuring", listener):
        for index in candidates:
            try:
                found = _gains(system, pictures[index], seed + 1000 * (number + 1))
            except DataError:
                skipped += 1
                continue
            for name, values in found.items():
                of_name = gains.setdefault(name, {way: [] for way in Areas._fields})
                for way in Areas._fields:
                    of_name[way].append(values[way])
            break
    if not gains:
        raise DataError(pictures[0].name if pictures else "data", "none of the images can be read")
    return {name: {way: np.array(each) for way, each in ways.items()} for name, ways in gains.items()}, skipped


def interval(values: NDArray[np.float64], seed: int) -> dict[str, float]:
    """The mean with its 95 % interval, by percentiles of means of resampled images."""
    generator = np.random.default_rng(seed)
    means = values[generator.integers(0, len(values), (_RESAMPLES, len(values)))].mean(1)
    low, high = np.percentile(means, (2.5, 97.5))
    return {"mean": float(values.mean()), "low": float(low), "high": float(high)}


def known(kept: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """What was kept of a kind of map; None if nothing was, or it is not what we write."""
    found = kept.get("maps")
    found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(found.get("images"), int):
        return None
    result: dict[str, Any] = {"images": found["images"]}
    for way in Areas._fields:
        figures = found.get(way)
        numbers = [figures.get(key) for key in _FIGURES] if isinstance(figures, dict) else [None]
        if not all(isinstance(number, float) and math.isfinite(number) for number in numbers):
            return None
        result[way] = dict(zip(_FIGURES, numbers, strict=True))
    return result


def _gains(system: ImageClassifier, picture: Picture, seed: int) -> dict[str, dict[str, float]]:
    seen = system.attention(picture, of_class="likeliest")
    chosen = system.classes.index(seen.explained)
    maps = dict(image_maps(seen.evidence))
    if find_spec("captum") is not None:
        images = system.preprocessing.normalise(seen.pixels[None].to(system.network.device))
        maps[REFERENCE] = integrated_gradients(system.reference(), images, torch.tensor([chosen]))
    cells = cells_of(system.preprocessing.image_size)
    generator = torch.Generator().manual_seed(seed)
    orders = [torch.randperm(cells[0] * cells[1], generator=generator) for _ in range(RANDOM)]
    orders += [order_of(on_cells(each, cells)[0], generator) for each in maps.values()]
    plain = (torch.tensor(system.preprocessing.mean) * 255).round().clamp(0, 255).to(torch.uint8)
    found = areas(system.probabilities, seen.pixels, chosen, torch.stack(orders), plain, cells)
    random = Areas(*(each[:RANDOM].mean() for each in found))
    return {
        name: {
            "deletion": float(random.deletion - found.deletion[RANDOM + place]),
            "insertion": float(found.insertion[RANDOM + place] - random.insertion),
        }
        for place, name in enumerate(maps)
    }


def _text(figures: Mapping[str, float]) -> str:
    return f"{figures['mean']:+.3f} ({figures['low']:+.3f} to {figures['high']:+.3f})"
