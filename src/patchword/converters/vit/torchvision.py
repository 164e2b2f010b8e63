"""ViT as torchvision saves it; its oldest files name the feed-forward layers linear_1 and linear_2."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from patchword.converters.class_names import class_names
from patchword.converters.imported import Imported, ImportOptions, length, shape_of
from patchword.converters.tables import Table, batch_of_one, patches, same, token
from patchword.converters.vit.shared import IMAGENET_DEFAULT, check_head, heads_of, imported_vit, native_grid

LAYER = "encoder.layers.encoder_layer_{i}"

TABLE: Table = {
    "class_token": token("class_token"),
    "position_embedding.embedding": batch_of_one("encoder.pos_embedding"),
    "patch_embedding.projection.weight": patches("conv_proj.weight"),
    "patch_embedding.projection.bias": same("conv_proj.bias"),
    "encoder.layers.{i}.self_attention_residual.norm.*": same(f"{LAYER}.ln_1.*"),
    "encoder.layers.{i}.self_attention.query_key_value.*": same(f"{LAYER}.self_attention.in_proj_*"),
    "encoder.layers.{i}.self_attention.output.*": same(f"{LAYER}.self_attention.out_proj.*"),
    "encoder.layers.{i}.feed_forward_residual.norm.*": same(f"{LAYER}.ln_2.*"),
    "encoder.layers.{i}.feed_forward.inner.*": same(f"{LAYER}.mlp.0.*"),
    "encoder.layers.{i}.feed_forward.outer.*": same(f"{LAYER}.mlp.3.*"),
    "encoder.norm.*": same("encoder.ln.*"),
    "head.hidden.0.*": same("heads.pre_logits.*"),
    "head.linear.*": same("heads.head.*"),
}

OLD_FEED_FORWARD: Table = {
    "encoder.layers.{i}.feed_forward.inner.*": same(f"{LAYER}.mlp.linear_1.*"),
    "encoder.layers.{i}.feed_forward.outer.*": same(f"{LAYER}.mlp.linear_2.*"),
}


def convert(origin: Path, config: Mapping[str, Any], tensors: Mapping[str, Tensor], options: ImportOptions) -> Imported:
    """A state dict; preprocessing is that of torchvision's weights of this image size.

    Raises:
        CheckpointError: if it is not such a network.
    """
    first = LAYER.replace("{i}", "0")
    old = f"{first}.mlp.linear_1.weight" in tensors
    d_model, channels, patch_size, _ = shape_of(origin, tensors, "conv_proj.weight", 4)
    d_ff, _ = shape_of(origin, tensors, f"{first}.mlp.linear_1.weight" if old else f"{first}.mlp.0.weight", 2)
    _, positions, _ = shape_of(origin, tensors, "encoder.pos_embedding", 3)
    grid, _, guessed = native_grid(origin, positions, {1}, patch_size, options)
    size = min(grid) * patch_size
    # The heads of fine-tuned networks: torchvision's recipe replaces `heads` by a linear layer, or only its last part.
    head = "heads" if "heads.weight" in tensors else "heads.head"
    num_classes = length(tensors, f"{head}.weight")
    check_head(origin, {}, num_classes)
    classes, named = class_names(origin, num_classes, options)
    table = {**TABLE, **(OLD_FEED_FORWARD if old else {}), "head.linear.*": same(f"{head}.*")}
    layers = {name.split(".")[2] for name in tensors if name.startswith("encoder.layers.encoder_layer_")}
    fields = {
        "image_size": (grid[0] * patch_size, grid[1] * patch_size),
        "patch_size": patch_size,
        "channels": channels,
        "d_model": d_model,
        "num_heads": options.num_heads or heads_of(d_model, origin),
        "num_layers": len(layers),
        "d_ff": d_ff,
        "layer_norm_eps": 1e-6,
        "head_hidden": length(tensors, "heads.pre_logits.weight") or None,
        "position_resize": "bicubic_corners",
    }
    # Up to 224 pixels the weights were scored on the middle of 256; the larger ones (SWAG) on the whole square.
    crop = {"crop_fraction": 224 / 256, "interpolation": "bilinear"} if size <= 224 else {"interpolation": "bicubic"}
    preprocessing = {"image_size": [side * patch_size for side in grid], "resize": "crop", **crop, **IMAGENET_DEFAULT}
    return imported_vit(
        origin,
        "torchvision ViT",
        fields,
        table,
        tensors,
        preprocessing=preprocessing,
        classes=classes,
        options=options,
        notes=(
            f"the file says nothing about preprocessing: assumed torchvision's for {size} pixels; heads from the width",
            *guessed,
            *named,
        ),
    )
