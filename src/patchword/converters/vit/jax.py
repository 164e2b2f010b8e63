"""ViT as Google's first JAX code saves it, an .npz (Dosovitskiy et al. 2021; Steiner et al. 2022, "AugReg")."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from patchword.converters.class_names import class_names
from patchword.converters.imported import Imported, ImportOptions, count_layers, length, shape_of
from patchword.converters.tables import Row, Table, batch_of_one, same, token, transposed
from patchword.converters.vit.shared import IMAGENET_STANDARD, check_head, imported_vit, native_grid
from patchword.errors import CheckpointError


def query_key_value_kernels(attention: str) -> Row:
    """Kernels (d_model, heads, head_size) of query, key and value."""
    names = tuple(f"{attention}/{name}/kernel" for name in ("query", "key", "value"))
    return Row(names, lambda t, _: torch.cat([kernel.flatten(1).t() for kernel in t]))


def query_key_value_biases(attention: str) -> Row:
    """Biases (heads, head_size) of query, key and value."""
    names = tuple(f"{attention}/{name}/bias" for name in ("query", "key", "value"))
    return Row(names, lambda t, _: torch.cat([bias.flatten() for bias in t]))


def output_kernel(attention: str) -> Row:
    """Kernel (heads, head_size, d_model)."""
    return Row((f"{attention}/out/kernel",), lambda t, _: t[0].flatten(0, 1).t())


def patch_kernel(name: str) -> Row:
    """Kernel (rows, columns, channels, d_model) of the convolution over patches."""
    return Row((name,), lambda t, _: t[0].permute(3, 2, 0, 1).flatten(1))


def layer(block: str, norms: tuple[str, str], attention: str, feed_forward: str) -> Table:
    """The rows of one encoder block, whose parts the two code bases number differently."""
    ours = "encoder.layers.{i}"
    return {
        f"{ours}.self_attention_residual.norm.weight": same(f"{block}/{norms[0]}/scale"),
        f"{ours}.self_attention_residual.norm.bias": same(f"{block}/{norms[0]}/bias"),
        f"{ours}.self_attention.query_key_value.weight": query_key_value_kernels(f"{block}/{attention}"),
        f"{ours}.self_attention.query_key_value.bias": query_key_value_biases(f"{block}/{attention}"),
        f"{ours}.self_attention.output.weight": output_kernel(f"{block}/{attention}"),
        f"{ours}.self_attention.output.bias": same(f"{block}/{attention}/out/bias"),
        f"{ours}.feed_forward_residual.norm.weight": same(f"{block}/{norms[1]}/scale"),
        f"{ours}.feed_forward_residual.norm.bias": same(f"{block}/{norms[1]}/bias"),
        f"{ours}.feed_forward.inner.weight": transposed(f"{block}/{feed_forward}/Dense_0/kernel"),
        f"{ours}.feed_forward.inner.bias": same(f"{block}/{feed_forward}/Dense_0/bias"),
        f"{ours}.feed_forward.outer.weight": transposed(f"{block}/{feed_forward}/Dense_1/kernel"),
        f"{ours}.feed_forward.outer.bias": same(f"{block}/{feed_forward}/Dense_1/bias"),
    }


# What both code bases name alike.
COMMON: Table = {
    "class_token": token("cls"),
    "patch_embedding.projection.weight": patch_kernel("embedding/kernel"),
    "patch_embedding.projection.bias": same("embedding/bias"),
    "encoder.norm.weight": same("Transformer/encoder_norm/scale"),
    "encoder.norm.bias": same("Transformer/encoder_norm/bias"),
    "head.hidden.0.weight": transposed("pre_logits/kernel"),
    "head.hidden.0.bias": same("pre_logits/bias"),
    "head.linear.weight": transposed("head/kernel"),
    "head.linear.bias": same("head/bias"),
}

TABLE: Table = {
    **COMMON,
    "position_embedding.embedding": batch_of_one("Transformer/posembed_input/pos_embedding"),
    **layer(
        "Transformer/encoderblock_{i}",
        ("LayerNorm_0", "LayerNorm_2"),
        "MultiHeadDotProductAttention_1",
        "MlpBlock_3",
    ),
}


def convert(origin: Path, config: Mapping[str, Any], tensors: Mapping[str, Tensor], options: ImportOptions) -> Imported:
    """An .npz with names such as "Transformer/encoderblock_0/LayerNorm_0/scale".

    Raises:
        CheckpointError: if it is not such a network.
    """
    if any(name.startswith("conv_root/") for name in tensors):
        raise CheckpointError(origin, "begins with a ResNet (a hybrid ViT), which is not supported")
    block = "Transformer/encoderblock_0"
    fields = kernel_fields(origin, tensors, f"{block}/MultiHeadDotProductAttention_1", f"{block}/MlpBlock_3")
    positions = length(tensors, "Transformer/posembed_input/pos_embedding", axis=1)
    class_token = "cls" in tensors
    grid, _, guessed = native_grid(origin, positions, {int(class_token)}, fields["patch_size"], options)
    fields |= {
        "image_size": tuple(side * fields["patch_size"] for side in grid),
        "num_layers": count_layers(tensors, "Transformer/encoderblock_"),
        "class_token": class_token,
        "pool": "class_token" if class_token else "mean",
    }
    num_classes = length(tensors, "head/bias")
    check_head(origin, {}, num_classes)
    classes, named = class_names(origin, num_classes, options)
    return imported_vit(
        origin,
        "JAX ViT",
        fields,
        TABLE,
        tensors,
        preprocessing=jax_preprocessing(fields["image_size"]),
        classes=classes,
        options=options,
        notes=(
            "the file says nothing about preprocessing: assumed bilinear squash, mean and std 0.5",
            *guessed,
            *named,
        ),
    )


def kernel_fields(origin: Path, tensors: Mapping[str, Tensor], attention: str, feed_forward: str) -> dict[str, Any]:
    """Fields of `VisionTransformerConfig` that the kernels' shapes tell, and flax's own defaults.

    Raises:
        CheckpointError: if a kernel is missing or misshapen.
    """
    patch_size, _, channels, d_model = shape_of(origin, tensors, "embedding/kernel", 4)
    _, num_heads, _ = shape_of(origin, tensors, f"{attention}/query/kernel", 3)
    _, d_ff = shape_of(origin, tensors, f"{feed_forward}/Dense_0/kernel", 2)
    return {
        "patch_size": patch_size,
        "channels": channels,
        "d_model": d_model,
        "num_heads": num_heads,
        "d_ff": d_ff,
        "activation": "gelu_tanh",
        "layer_norm_eps": 1e-6,
        "head_hidden": length(tensors, "pre_logits/bias") or None,
        "position_resize": "bilinear_corners",
    }


def jax_preprocessing(image_size: tuple[int, int]) -> dict[str, Any]:
    """As both code bases evaluate: resized whatever the shape, values from -1 to 1."""
    return {"image_size": list(image_size), "resize": "squash", "interpolation": "bilinear", **IMAGENET_STANDARD}
