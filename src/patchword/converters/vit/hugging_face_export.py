"""Our ViT as ViTForImageClassification of `transformers`."""

from typing import Any

from patchword.checkpoints.exportable import Exportable
from patchword.converters.hugging_face.preprocessing import processor_settings
from patchword.converters.tables import Row, Table, patches, same
from patchword.converters.vit.hugging_face import VERSION_4
from patchword.errors import ExportError

# Fields with the only values that the class computes, and what each other value is called.
_FIXED: dict[str, tuple[Any, str]] = {
    "norm_first": (True, "Post-LN layers"),
    "class_token": (True, "no class token"),
    "distillation_token": (False, "a distillation token"),
    "register_tokens": (0, "register tokens"),
    "layer_scale": (None, "LayerScale"),
    "pool": ("class_token", "another pooling than the class token"),
    "norm_after_pool": (False, "a norm after pooling"),
    "positions": ("learned", "no position embedding"),
    "head_hidden": (None, "a hidden layer in its head"),
}

_ACTIVATIONS = {"gelu": "gelu", "gelu_tanh": "gelu_pytorch_tanh", "relu": "relu", "silu": "silu"}


def hugging_face_vit(content: Exportable) -> tuple[Table, dict[str, Any]]:
    """The table of names, config.json and preprocessor_config.json.

    Args:
        content: a VisionTransformer with its preprocessing and classes.

    Raises:
        ExportError: with what ViTForImageClassification cannot express.
    """
    config: Any = content.model.config
    for field, (value, name) in _FIXED.items():
        if getattr(config, field) != value:
            raise ExportError(f"--to hf: ViTForImageClassification cannot express {name} ({field})")
    if config.num_classes == 0:
        raise ExportError("--to hf: ViTForImageClassification needs classes, and the model has none")
    if config.activation not in _ACTIVATIONS:
        raise ExportError(f"--to hf: ViTForImageClassification has no activation {config.activation}")
    classes = content.details["classes"]
    description = {
        "architectures": ["ViTForImageClassification"],
        "model_type": "vit",
        "hidden_size": config.d_model,
        "num_hidden_layers": config.num_layers,
        "num_attention_heads": config.num_heads,
        "intermediate_size": config.d_ff,
        "hidden_act": _ACTIVATIONS[config.activation],
        "hidden_dropout_prob": config.dropout,
        "attention_probs_dropout_prob": config.attention_dropout,
        "layer_norm_eps": config.layer_norm_eps,
        "image_size": _one_or_two(config.image_size),
        "patch_size": config.patch_size,
        "num_channels": config.channels,
        "qkv_bias": True,
        "id2label": {str(i): name for i, name in enumerate(classes)},
        "label2id": {name: i for i, name in enumerate(classes)},
    }
    table = {ours: _prefixed(row) for ours, row in VERSION_4.items()}
    table["patch_embedding.projection.weight"] = patches(
        "vit.embeddings.patch_embeddings.projection.weight", config.channels
    )
    table["head.linear.*"] = same("classifier.*")
    processor = processor_settings(content.details["preprocessing"])
    return table, {"config.json": description, "preprocessor_config.json": processor}


def _prefixed(row: Row) -> Row:
    return Row(tuple(f"vit.{name}" for name in row.theirs), row.to_ours, row.to_theirs, row.stacks)


def _one_or_two(size: tuple[int, int]) -> int | list[int]:
    return size[0] if size[0] == size[1] else list(size)
