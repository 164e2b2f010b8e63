"""ViT as `transformers` saves it: ViTForImageClassification and ViTModel, in the key layouts of versions 4 and 5."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from patchword.converters.class_names import class_names
from patchword.converters.hugging_face.configs import vit_fields
from patchword.converters.hugging_face.preprocessing import assumed_preprocessing, read_preprocessing
from patchword.converters.imported import Imported, ImportOptions, count_layers, length
from patchword.converters.settings import Settings
from patchword.converters.tables import Row, Table, batch_of_one, patches, same, stacked, token, zeros
from patchword.converters.vit.shared import IMAGENET_STANDARD, check_head, imported_vit
from patchword.errors import CheckpointError, shown

# ViTImageProcessor's own defaults, in the terms of preprocessor_config.json; the size is the network's.
PROCESSOR = {
    "resample": 2,
    "image_mean": IMAGENET_STANDARD["mean"],
    "image_std": IMAGENET_STANDARD["std"],
}

EMBEDDINGS: Table = {
    "class_token": token("embeddings.cls_token"),
    "distillation_token": token("embeddings.distillation_token"),
    "position_embedding.embedding": batch_of_one("embeddings.position_embeddings"),
    "patch_embedding.projection.weight": patches("embeddings.patch_embeddings.projection.weight"),
    "patch_embedding.projection.bias": same("embeddings.patch_embeddings.projection.bias"),
    "encoder.norm.*": same("layernorm.*"),
    "head.hidden.0.*": same("pooler.dense.*"),
}

VERSION_4: Table = {
    **EMBEDDINGS,
    "encoder.layers.{i}.self_attention_residual.norm.*": same("encoder.layer.{i}.layernorm_before.*"),
    "encoder.layers.{i}.self_attention.query_key_value.*": stacked(
        "encoder.layer.{i}.attention.attention.query.*",
        "encoder.layer.{i}.attention.attention.key.*",
        "encoder.layer.{i}.attention.attention.value.*",
    ),
    "encoder.layers.{i}.self_attention.output.*": same("encoder.layer.{i}.attention.output.dense.*"),
    "encoder.layers.{i}.feed_forward_residual.norm.*": same("encoder.layer.{i}.layernorm_after.*"),
    "encoder.layers.{i}.feed_forward.inner.*": same("encoder.layer.{i}.intermediate.dense.*"),
    "encoder.layers.{i}.feed_forward.outer.*": same("encoder.layer.{i}.output.dense.*"),
}

VERSION_5: Table = {
    **EMBEDDINGS,
    "encoder.layers.{i}.self_attention_residual.norm.*": same("layers.{i}.layernorm_before.*"),
    "encoder.layers.{i}.self_attention.query_key_value.*": stacked(
        "layers.{i}.attention.q_proj.*", "layers.{i}.attention.k_proj.*", "layers.{i}.attention.v_proj.*"
    ),
    "encoder.layers.{i}.self_attention.output.*": same("layers.{i}.attention.o_proj.*"),
    "encoder.layers.{i}.feed_forward_residual.norm.*": same("layers.{i}.layernorm_after.*"),
    "encoder.layers.{i}.feed_forward.inner.*": same("layers.{i}.mlp.fc1.*"),
    "encoder.layers.{i}.feed_forward.outer.*": same("layers.{i}.mlp.fc2.*"),
}

# Only masked-image pre-training uses the mask token; position_ids are the numbers from 0 on.
IGNORED = ("embeddings.mask_token", "embeddings.position_ids")


def convert(folder: Path, config: Mapping[str, Any], tensors: Mapping[str, Tensor], options: ImportOptions) -> Imported:
    """A folder whose config.json says model_type "vit".

    Raises:
        CheckpointError: if it is not such a network.
    """
    tensors = without_prefix(tensors, "vit.")
    table = {**layout(tensors), "head.linear.*": same("classifier.*")}
    fields = {**vit_fields(config, folder), **encoder_fields(config, tensors, folder)}
    num_classes = length(tensors, "classifier.weight")
    check_head(folder, config, num_classes)
    classes, named = class_names(folder, num_classes, options, config.get("id2label"))
    return imported_vit(
        folder,
        "Hugging Face ViT",
        fields,
        without_attention_bias(table, config),
        tensors,
        preprocessing=read_preprocessing(folder, PROCESSOR, fields["image_size"]),
        classes=classes,
        options=options,
        ignored=IGNORED,
        notes=(*assumed_preprocessing(folder), *named),
    )


def encoder_fields(config: Mapping[str, Any], tensors: Mapping[str, Tensor], folder: Path) -> dict[str, Any]:
    """Fields of `VisionTransformerConfig` that ViT and DeiT name alike.

    Raises:
        CheckpointError: if one is no number, or the pooler computes something else.
    """
    settings = Settings(folder / "config.json", config)
    act = settings.get("pooler_act", "tanh")
    if "pooler.dense.weight" in tensors and act != "tanh":
        raise CheckpointError(folder, f"config.json: pooler_act {shown(act)} is not supported; valid: tanh")
    return {
        "d_ff": settings.whole("intermediate_size", 3072, least=1),
        "layer_norm_eps": settings.number("layer_norm_eps", 1e-12),
        "head_hidden": length(tensors, "pooler.dense.weight") or None,
    }


def without_prefix(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The network's names as its bare class saves them; a class with a head puts the network's name before them."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}


def layout(tensors: Mapping[str, Tensor]) -> Table:
    """The table of the version that these names are of."""
    return VERSION_5 if count_layers(tensors, "layers.") else VERSION_4


def without_attention_bias(table: Table, config: Mapping[str, Any]) -> Table:
    """The table for a network whose config says that queries, keys and values have no biases."""
    if config.get("qkv_bias", True):
        return table
    name = "encoder.layers.{i}.self_attention.query_key_value"
    weight = Row(
        tuple(theirs.replace("*", "weight") for theirs in table[f"{name}.*"].theirs), table[f"{name}.*"].to_ours
    )
    kept = {ours: row for ours, row in table.items() if ours != f"{name}.*"}
    return {**kept, f"{name}.weight": weight, f"{name}.bias": zeros()}
