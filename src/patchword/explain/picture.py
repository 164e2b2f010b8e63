"""What a classifier looked at, as the "image" part of an explanation."""

import io
from base64 import b64encode
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from patchword.errors import RecipeError, nearest
from patchword.explain.attention import read_attention, read_rollout
from patchword.explain.distance import attention_distance
from patchword.explain.explanation import explanation_of
from patchword.explain.faithfulness import known
from patchword.explain.image_maps import OF_A_CLASS
from patchword.explain.measuring import kept
from patchword.explain.packing import packed
from patchword.explain.position_similarity import position_similarity
from patchword.explain.walk import walk_of_image
from patchword.images.classification import AttendedImage
from patchword.images.classifier import ImageClassifier
from patchword.images.classifying import Given
from patchword.memory import memory_for
from patchword.models.evidence import Evidence, LearnedArray

LONGEST = 512  # pixels of a side of the pictures in a document
_EXACT = 128  # pixels of a side, up to which each one matters
_MOST_ATTENTION = 1_000_000  # numbers of a document's attention maps
_LARGEST_FILTER = 32  # pixels of a side
_MOST_FILTERS = 64


@explanation_of.register
def _(
    system: ImageClassifier,
    given: Given,
    walk: bool,
    *,
    class_name: str | None = None,
    class_index: int | None = None,
    max_pixels: int | None = None,
    **others: Any,
) -> dict[str, Any]:
    """A classifier's part of the document.

    Args:
        system: the classifier.
        given: the image.
        walk: whether to have the network's steps.
        class_name: the class to explain; by default the likeliest.
        class_index: the same by its number, counted from 0.
        max_pixels: see `ImageClassifier.classify`.
        others: no other option is known.

    Raises:
        DataError: if the image cannot be read.
        HeadlessError: if the model has no classes.
        RecipeError: if there is no such class or option.
    """
    if others:
        name = next(iter(others))
        raise RecipeError(f"unknown option {name!r}; {nearest(name, ['class_name', 'class_index', 'max_pixels'])}")
    system.require_head()
    if class_name is not None:
        class_index = _numbered(system, class_name)
    with memory_for("the maps of an image", "give a model of fewer patches"):
        seen = system.attention(
            given, of_class="likeliest" if class_index is None else class_index, max_pixels=max_pixels
        )
        image = image_part(system, seen)
    label, probability = seen.classification.predictions[0]
    found: dict[str, Any] = {
        "title": f"{Path(seen.classification.name).name}: {label} {100 * probability:.1f} %",
        "model": {"classes": len(system.classes)},
        "image": image,
        "notes": _notes(image, seen.evidence),
    }
    if walk:
        found["walk"] = walk_of_image(system, seen.pixels)
    return found


def image_part(system: ImageClassifier, seen: AttendedImage) -> dict[str, Any]:
    """The "image" of the document; see `explanation`."""
    height, width = system.preprocessing.image_size
    picture = reduced(seen.picture)
    learned = system.reference().learned()
    return {
        "picture": data_url(picture),
        "width": picture.width,
        "height": picture.height,
        "seen": data_url(reduced(Image.fromarray(seen.pixels.permute(1, 2, 0).numpy())), exact=True),
        "seen_size": [height, width],
        "box": list(system.preprocessing.box(seen.picture.size)),
        "predictions": [{"class": name, "probability": p} for name, p in seen.classification.predictions],
        "maps": _maps(system, seen),
        "distance": _distance(seen.evidence, (height, width)),
        "positions": _positions(learned.get("positions")),
        "filters": _filters(learned.get("filters")),
    }


def reduced(picture: Image.Image, longest: int = LONGEST) -> Image.Image:
    """A picture at its own aspect ratio, with no side over `longest` pixels; a smaller one as it is."""
    if max(picture.size) <= longest:
        return picture
    scale = longest / max(picture.size)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    return picture.resize(size, Image.Resampling.BOX if min(size) == 1 else Image.Resampling.LANCZOS, reducing_gap=3.0)


def data_url(picture: Image.Image, exact: bool = False) -> str:
    """A picture as a data URL, without the file's metadata.

    Args:
        picture: RGB.
        exact: as PNG; otherwise photographs are JPEG, which takes a tenth.
    """
    bare = Image.fromarray(np.asarray(picture))  # what a file says of its place and owner stays with it
    found = {"png": _encoded(bare, format="PNG", optimize=True)}
    if not exact and max(picture.size) > _EXACT:
        found["jpeg"] = _encoded(bare, format="JPEG", quality=88)
    kind = min(found, key=lambda kind: len(found[kind]))
    return f"data:image/{kind};base64,{b64encode(found[kind]).decode()}"


def _encoded(picture: Image.Image, **how: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, **how)
    return buffer.getvalue()


def _numbered(system: ImageClassifier, name: str) -> int:
    if name not in system.classes:
        raise RecipeError(f"unknown class {name!r}; {nearest(name, system.classes)}")
    return system.classes.index(name)


def _maps(system: ImageClassifier, seen: AttendedImage) -> list[dict[str, Any]]:
    figures, place = kept(system), ("row", "column")
    found: list[dict[str, Any]] = []

    def add(name: str, of_class: str | None, array: dict[str, Any]) -> None:
        found.append({"id": name, "class": of_class, "array": array, "measured": known(figures, name)})

    if "encoder" in seen.evidence:
        # With 8 bits between 0 and the largest weight of all heads, a head that looks everywhere would look nowhere.
        heads = _thinned(read_attention(seen.evidence)[:, 0])
        add("attention", None, packed(heads, ("layer", "head", *place), bits=16))
        add("rollout", None, packed(read_rollout(seen.evidence)[0], place, bits=16))
    for name in OF_A_CLASS:
        if name in seen.evidence:
            add(name, seen.explained, packed(seen.evidence[name].values[0], place, bits=16))
    return found


def _notes(image: dict[str, Any], evidence: Evidence) -> list[dict[str, str]]:
    if "encoder" not in evidence or (grid := evidence["encoder"].grid) is None:
        return []
    notes = []
    shown = tuple(image["maps"][0]["array"]["shape"][2:])
    if shown != grid:
        notes.append(
            {
                "en": f"The attention of every layer and head is averaged from {grid[0]} by {grid[1]} patches to "
                f"{shown[0]} by {shown[1]}, to be small enough for a page.",
                "zh": f"每层每个注意力头的注意力从 {grid[0]} × {grid[1]} 个图块平均为 {shown[0]} × {shown[1]} 格，"
                "使页面不致过大。",
            }
        )
    if image["positions"] is not None and (shown := tuple(image["positions"]["shape"][:2])) != grid:
        notes.append(
            {
                "en": f"The similarity of positions is of {shown[0]} by {shown[1]} patches, evenly spread among the "
                f"{grid[0]} by {grid[1]}.",
                "zh": f"位置的相似度只取 {grid[0]} × {grid[1]} 个图块中均匀分布的 {shown[0]} × {shown[1]} 个。",
            }
        )
    return notes


def _thinned(maps: Tensor) -> Tensor:
    """Maps (layer, head, row, column), averaged where they would be too many numbers.

    All cells are drawn alike, and have as many patches; where those do not come out even, neighbours share some.
    """
    every = 1
    while maps.numel() > every**2 * _MOST_ATTENTION:
        every += 1
    rows, columns = (-(-side // every) for side in maps.shape[2:])
    return maps if every == 1 else F.adaptive_avg_pool2d(maps, (rows, columns))


def _distance(evidence: Evidence, image_size: tuple[int, int]) -> dict[str, Any] | None:
    if "encoder" not in evidence:
        return None
    found = attention_distance(evidence["encoder"], image_size)[:, 0]
    return {"array": packed(found, ("layer", "head"), bits=16), "unit": "pixels"}


def _positions(learned: LearnedArray | None) -> dict[str, Any] | None:
    if learned is None:
        return None
    return packed(position_similarity(learned.values), ("row", "column", "row", "column"))


def _filters(learned: LearnedArray | None) -> dict[str, Any] | None:
    if learned is None:
        return None
    filters = learned.values[:_MOST_FILTERS]
    side = max(filters.shape[1:3])
    if side > _LARGEST_FILTER:
        every = -(-side // _LARGEST_FILTER)
        filters = F.avg_pool2d(filters.permute(0, 3, 1, 2), every, ceil_mode=True).permute(0, 2, 3, 1)
    return packed(filters, learned.axes)
