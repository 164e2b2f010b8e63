"""ViT as Google's big_vision saves it, an .npz whose names begin with "params/" (Beyer et al. 2022)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from patchword.converters.class_names import class_names
from patchword.converters.imported import Imported, ImportOptions, count_layers, length
from patchword.converters.tables import Table, batch_of_one
from patchword.converters.vit.jax import COMMON, jax_preprocessing, kernel_fields, layer
from patchword.converters.vit.shared import check_head, imported_vit, native_grid
from patchword.errors import CheckpointError, RecipeError
from patchword.models.ranges import MOST_LAYERS
from patchword.models.vision_transformer_config import VisionTransformerConfig

BLOCK = "Transformer/encoderblock_{i}"
SCANNED = "Transformer/encoderblock/"  # all layers' tensors as one, with a first axis of layers

TABLE: Table = {
    **COMMON,
    "position_embedding.embedding": batch_of_one("pos_embedding"),
    **layer(BLOCK, ("LayerNorm_0", "LayerNorm_1"), "MultiHeadDotProductAttention_0", "MlpBlock_0"),
}


def convert(origin: Path, config: Mapping[str, Any], tensors: Mapping[str, Tensor], options: ImportOptions) -> Imported:
    """An .npz with names such as "params/Transformer/encoderblock_0/LayerNorm_0/scale".

    A file without positions is of a model with fixed sines and cosines, which become the position embedding.

    Raises:
        CheckpointError: if it is not such a network, or ends in a MAP head.
    """
    named = {name.removeprefix("params/"): t for name, t in tensors.items() if name.startswith("params/")}
    tensors = _unscanned(origin, named)
    if any(name.startswith("MAPHead_0/") for name in tensors):
        raise CheckpointError(origin, "ends in a MAP head (MAPHead_0), which is not supported")
    first = BLOCK.replace("{i}", "0")
    fields = kernel_fields(origin, tensors, f"{first}/MultiHeadDotProductAttention_0", f"{first}/MlpBlock_0")
    class_token = "cls" in tensors
    notes: tuple[str, ...] = ("the file says nothing about preprocessing: assumed bilinear squash, mean and std 0.5",)
    if "pos_embedding" in tensors:
        count = length(tensors, "pos_embedding", axis=1)
        grid, _, guessed = native_grid(origin, count, {0}, fields["patch_size"], options)
        notes += guessed
        positions = tensors["pos_embedding"]
    else:
        grid = _assumed_grid(origin, fields, options)
        positions = sincos_2d(grid, fields["d_model"])[None]
        notes += (f"it has no positions: assumed fixed sines and cosines for {grid[0]} x {grid[1]} patches",)
    if class_token and positions.ndim == 3 and len(positions) == 1:
        # The positions are added before the class token is put in front.
        tensors["pos_embedding"] = torch.cat([positions.new_zeros(1, 1, positions.shape[-1]), positions], dim=1)
    else:
        tensors["pos_embedding"] = positions
    fields |= {
        "image_size": tuple(side * fields["patch_size"] for side in grid),
        "num_layers": count_layers(tensors, "Transformer/encoderblock_"),
        "class_token": class_token,
        "pool": "class_token" if class_token else "mean",
    }
    num_classes = length(tensors, "head/bias")
    check_head(origin, {}, num_classes)
    classes, called = class_names(origin, num_classes, options)
    return imported_vit(
        origin,
        "big_vision ViT",
        fields,
        TABLE,
        tensors,
        preprocessing=jax_preprocessing(fields["image_size"]),
        classes=classes,
        options=options,
        notes=(*notes, *called),
    )


def _assumed_grid(origin: Path, fields: Mapping[str, Any], options: ImportOptions) -> tuple[int, int]:
    """Rows and columns of an image of the size given, or else of 224 pixels, before so many positions are made.

    Raises:
        CheckpointError: if no network takes such an image, or its width has no such sines and cosines.
    """
    size = options.image_size or (224, 224)
    try:
        grid = VisionTransformerConfig.parse({**fields, "image_size": size, "num_classes": 0}, str(origin)).grid
    except RecipeError as error:
        raise CheckpointError(origin, str(error).removeprefix(f"{origin}: ")) from None
    if fields["d_model"] % 4 or fields["d_model"] < 8:
        raise CheckpointError(
            origin,
            f"has no positions, and a width of {fields['d_model']}; expected a multiple of 4, from 8 on, for fixed "
            "sines and cosines",
        )
    return grid


def sincos_2d(grid: tuple[int, int], d_model: int) -> Tensor:
    """Fixed positions of a grid, (rows * columns, d_model): sines and cosines of x, then of y (Chen et al. 2021).

    Args:
        grid: rows and columns.
        d_model: a multiple of 4, from 8 on.
    """
    y, x = torch.meshgrid(*(torch.arange(side).double() for side in grid), indexing="ij")
    omega = 1.0 / 10_000 ** (torch.arange(d_model // 4).double() / (d_model // 4 - 1))
    angles_y, angles_x = y.flatten()[:, None] * omega, x.flatten()[:, None] * omega
    return torch.cat([angles_x.sin(), angles_x.cos(), angles_y.sin(), angles_y.cos()], dim=1).float()


def _unscanned(origin: Path, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Layer by layer, whichever way the file has them.

    Raises:
        CheckpointError: if they are too many.
    """
    result: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if name.startswith(SCANNED) and tensor.ndim > 0:
            rest = name.removeprefix(SCANNED)
            if len(tensor) > MOST_LAYERS:
                raise CheckpointError(origin, f"{name} is of {len(tensor):,} layers; expected at most {MOST_LAYERS:,}")
            result.update({f"{BLOCK.replace('{i}', str(i))}/{rest}": part for i, part in enumerate(tensor)})
        else:
            result[name] = tensor
    return result
