"""Our ViT as ViTForImageClassification of `transformers`."""

from collections.abc import Mapping
from typing import Any

from patchword.checkpoints.exportable import Exportable
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
_RESAMPLE = {"bilinear": 2, "bicubic": 3}


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
    processor = _processor(content.details["preprocessing"])
    return table, {"config.json": description, "preprocessor_config.json": processor}


def _processor(preprocessing: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of the processor class that does the same steps."""
    height, width = preprocessing["image_size"]
    fraction = preprocessing.get("crop_fraction", 1.0)
    resized = {"height": int(height / fraction + 1e-6), "width": int(width / fraction + 1e-6)}
    settings: dict[str, Any] = {
        "do_resize": True,
        "resample": _RESAMPLE[preprocessing["interpolation"]],
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": list(preprocessing["mean"]),
        "image_std": list(preprocessing["std"]),
    }
    crop = {"do_center_crop": True, "crop_size": {"height": height, "width": width}}
    if preprocessing["resize"] == "squash":
        kind, crop = ("ViTImageProcessor", {}) if fraction == 1.0 else ("DeiTImageProcessor", crop)
        return {"image_processor_type": kind, "size": resized, **crop, **settings}
    if preprocessing["resize"] == "pad":
        raise ExportError(
            "--to hf: transformers has no processor that pads images as preprocessing.resize = 'pad' does"
        )
    if height != width:
        raise ExportError(
            f"--to hf: transformers has no processor that crops to {height} x {width}; "
            "only squares are scaled by their shortest edge"
        )
    return {
        "image_processor_type": "BitImageProcessor",
        "size": {"shortest_edge": resized["height"]},
        **crop,
        **settings,
    }


def _prefixed(row: Row) -> Row:
    return Row(tuple(f"vit.{name}" for name in row.theirs), row.to_ours, row.to_theirs, row.stacks)


def _one_or_two(size: tuple[int, int]) -> int | list[int]:
    return size[0] if size[0] == size[1] else list(size)
