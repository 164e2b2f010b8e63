"""The architectures that a model folder can name."""

from typing import Any

from torch import nn

from patchword.config import Config
from patchword.models.transformer import Transformer, TransformerConfig
from patchword.models.vision_transformer import VisionTransformer, VisionTransformerConfig

ARCHITECTURES: dict[str, tuple[type[Config], Any]] = {
    "transformer": (TransformerConfig, Transformer),
    "vision_transformer": (VisionTransformerConfig, VisionTransformer),
}


def architecture_of(model: nn.Module) -> str:
    """The name under which a model's class is registered.

    Raises:
        ValueError: if it is none of them.
    """
    for name, (_, model_class) in ARCHITECTURES.items():
        if isinstance(model, model_class):
            return name
    raise ValueError(f"{type(model).__name__} is not a registered architecture")
