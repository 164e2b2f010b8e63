"""The last steps that all ViT converters share: fill, fit the image size, describe."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from patchword.converters.imported import Imported, ImportOptions, fill
from patchword.converters.tables import Table
from patchword.errors import CheckpointError, RecipeError, shown
from patchword.images.details import ClassifierDetails
from patchword.images.transforms import Preprocessing
from patchword.models.vision_transformer_config import VisionTransformerConfig
from patchword.nn.positions import resized_positions

# Zhai et al. 2022 and SO400M: H, g, G and so400m.
_WIDE_HEADS = {1152: 16, 1280: 16, 1408: 16, 1664: 16}

IMAGENET_DEFAULT = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
IMAGENET_STANDARD = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}

POSITIONS = "position_embedding.embedding"


def imported_vit(
    origin: Path,
    kind: str,
    fields: Mapping[str, Any],
    table: Table,
    tensors: Mapping[str, Tensor],
    *,
    preprocessing: Mapping[str, Any],
    classes: list[str],
    options: ImportOptions,
    ignored: Iterable[str] = (),
    notes: tuple[str, ...] = (),
) -> Imported:
    """A ViT from its parts.

    Args:
        origin: the file or folder.
        kind: the family, for people.
        fields: of `VisionTransformerConfig`, at the image size that the position embedding was made for.
        table: our names to theirs.
        tensors: theirs.
        preprocessing: fields of `Preprocessing`; if its image size is another one, the position embedding is resized.
        classes: a name a class.
        options: what a person asked for.
        ignored: see `imported.fill`.
        notes: what had to be assumed.

    Raises:
        CheckpointError: if the parts do not make a ViT.
    """
    try:
        config = VisionTransformerConfig.parse({**fields, "num_classes": len(classes)}, str(origin))
        wanted = options.image_size or tuple(preprocessing["image_size"])
        fitted = VisionTransformerConfig.parse({**config.model_dump(), "image_size": wanted}, str(origin))
        steps = Preprocessing.parse({**preprocessing, "image_size": wanted}, "preprocessing")
    except RecipeError as error:
        raise CheckpointError(origin, str(error).removeprefix(f"{origin}: ")) from None
    if config.channels != 3:
        raise CheckpointError(origin, f"takes images of {config.channels} channels; only RGB, 3 channels, is supported")
    if options.num_heads not in (None, config.num_heads):
        found = config.num_heads
        raise CheckpointError(origin, f"says itself that it has {found} heads, not {options.num_heads}")
    ours = fill(origin, "vision_transformer", config, table, tensors, ignored)
    if fitted.image_size != config.image_size and options.image_size is None:
        made, native = (f"{height} x {width}" for height, width in (fitted.image_size, config.image_size))
        notes += (f"its preprocessing makes images of {made} pixels, its positions are for {native}: they are resized",)
    if fitted.grid != config.grid:
        arguments = config.grid, fitted.grid, config.prefix, config.position_resize
        ours.replace(POSITIONS, resized_positions(ours[POSITIONS], *arguments))
    details = ClassifierDetails(classes=tuple(classes), preprocessing=steps)
    return Imported(origin, kind, "vision_transformer", fitted, ours, details, notes=notes)


def heads_of(d_model: int, origin: Path) -> int:
    """Attention heads of a published ViT, which state dicts do not tell: 64 wide, but for the largest models.

    Raises:
        CheckpointError: if no published ViT has this width.
    """
    if d_model in _WIDE_HEADS:
        return _WIDE_HEADS[d_model]
    if d_model % 64:
        raise CheckpointError(origin, f"the number of heads of width {d_model} is not in the file; give --heads")
    return d_model // 64


def native_grid(
    origin: Path, positions: int, prefixes: Iterable[int], patch_size: int, options: ImportOptions
) -> tuple[tuple[int, int], int, tuple[str, ...]]:
    """The grid that a number of positions is for, where no config.json says it.

    Args:
        origin: named in errors.
        positions: rows of the position embedding.
        prefixes: how many of them may belong to no patch.
        patch_size: in pixels.
        options: the image size that is given is the native one, if its grid has exactly so many positions.

    Returns:
        (rows, columns); which of the prefixes it is; and what was assumed, a sentence.

    Raises:
        CheckpointError: if the size given does not fit and no prefix leaves a square number.
    """
    ordered = sorted(prefixes, reverse=True)
    if options.image_size is not None and not any(side % patch_size for side in options.image_size):
        rows, columns = (side // patch_size for side in options.image_size)
        for prefix in ordered:
            if rows * columns == positions - prefix:
                note = f"took the image size given as the native one: {rows} x {columns} patches have its positions"
                return (rows, columns), prefix, (note,)
    for prefix in ordered:
        side = math.isqrt(max(0, positions - prefix))
        if side > 0 and side * side == positions - prefix:
            pixels = side * patch_size
            note = f"nothing says what shape its positions have: assumed {side} x {side} patches of {pixels} x {pixels}"
            return (side, side), prefix, (f"{note} pixels; give --image-size if it is another",)
    raise CheckpointError(
        origin,
        f"{positions} positions are for no square image, and no config.json says which; give the --image-size that "
        "they were trained for",
    )


def check_head(origin: Path, config: Mapping[str, Any], num_classes: int) -> None:
    """Refuse a head whose answers are not probabilities of classes that exclude one another.

    Raises:
        CheckpointError: naming the kind of head.
    """
    kind = config.get("problem_type")
    if num_classes and kind not in (None, "single_label_classification"):
        raise CheckpointError(
            origin,
            f"config.json: problem_type = {shown(kind)}: a head that gives each class a value of its own is not "
            "supported; only single_label_classification",
        )
    if num_classes == 1:
        raise CheckpointError(
            origin, "has a head of one logit, a yes or no by its sign, which is not supported; expected two classes"
        )
