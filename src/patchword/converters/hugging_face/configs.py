"""What the config.json files of Hugging Face's `transformers` have in common."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from patchword.converters.settings import Settings
from patchword.errors import CheckpointError, shown

ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
}


def activation(folder: Path, name: Any) -> str:
    """Our name of an activation.

    Raises:
        CheckpointError: if we have no such activation.
    """
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise CheckpointError(folder, f"config.json: unknown activation {shown(name)}; valid: {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]


def vit_fields(config: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Fields of `VisionTransformerConfig` that ViT, DeiT and DINOv2 name alike.

    Raises:
        CheckpointError: if one is missing or is no number.
    """
    settings = Settings(folder / "config.json", config)
    return {
        "image_size": settings.sides("image_size", 224),
        "patch_size": settings.whole("patch_size", 16, least=1),
        "channels": settings.whole("num_channels", 3, least=1),
        "d_model": settings.whole("hidden_size", least=1),
        "num_heads": settings.whole("num_attention_heads", least=1),
        "num_layers": settings.whole("num_hidden_layers", least=1),
        "activation": activation(folder, settings.get("hidden_act", "gelu")),
        "position_resize": "bicubic",
    }
