"""The last steps that all ViT converters share: fill, fit the image size, describe."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from patchword.converters.imported import Imported, ImportOptions, distinct, fill
from patchword.converters.settings import Settings
from patchword.converters.tables import Table
from patchword.errors import CheckpointError, RecipeError
from patchword.images.details import ClassifierDetails
from patchword.images.transforms import Preprocessing
from patchword.models.vision_transformer import VisionTransformerConfig
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


def square_grid(origin: Path, positions: int, prefixes: Iterable[int]) -> tuple[tuple[int, int], int]:
    """The square grid that a number of positions is for.

    Args:
        origin: named in errors.
        positions: rows of the position embedding.
        prefixes: how many of them may belong to no patch.

    Returns:
        (rows, columns), and which of the prefixes it is.

    Raises:
        CheckpointError: if no prefix leaves a square number.
    """
    for prefix in sorted(prefixes, reverse=True):
        side = math.isqrt(max(0, positions - prefix))
        if side > 0 and side * side == positions - prefix:
            return (side, side), prefix
    raise CheckpointError(origin, f"{positions} positions are for no square image, and no config.json says which")


def class_names(config: Mapping[str, Any], num_classes: int, options: ImportOptions, folder: Path) -> list[str]:
    """Names of the classes: the option's, the config's, or their numbers.

    Raises:
        CheckpointError: if the names given are not as many as the classes, or the config's are no table.
    """
    if options.classes is not None:
        if len(options.classes) != num_classes:
            raise CheckpointError(folder, f"has {num_classes} classes, but {len(options.classes)} names were given")
        return distinct(options.classes)
    labels = Settings(folder / "config.json", config).table("id2label")
    return distinct(str(labels.get(str(i), i)) for i in range(num_classes))
