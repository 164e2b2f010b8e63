"""Classifiers whose explanations mean nothing, the same each time."""

from typing import Any

import torch

from patchword.images.classifier import ImageClassifier
from patchword.images.transforms import Preprocessing
from patchword.models.residual_network import ResidualNetwork
from patchword.models.residual_network_config import ResidualNetworkConfig
from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import VisionTransformerConfig

CLASSES = ("cat", "dog", "frog")


def vit(
    image_size: tuple[int, int] = (16, 16),
    preprocessing: dict[str, Any] | None = None,
    how: dict[str, Any] | None = None,
    **changes: Any,
) -> ImageClassifier:
    """A ViT of any size; `preprocessing` and `how` are the classifier's, the rest is the config's."""
    torch.manual_seed(1)
    sizes = {"d_model": 24, "num_heads": 3, "num_layers": 2, "d_ff": 32, "patch_size": 4, **changes}
    config = VisionTransformerConfig.parse({"num_classes": 3, "image_size": image_size, **sizes}, "")
    model = VisionTransformer(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    shaped = Preprocessing(image_size=image_size, **(preprocessing or {}))
    return ImageClassifier(model, shaped, CLASSES[: config.num_classes], **(how or {}))


def resnet() -> ImageClassifier:
    """The smallest ResNet."""
    torch.manual_seed(1)
    sizes = {"depths": (1, 1), "widths": (8, 8), "stem_width": 8, "zero_last_norm": False}
    model = ResidualNetwork(ResidualNetworkConfig.named("resnet20", 3, **sizes))
    return ImageClassifier(model, Preprocessing(image_size=(16, 16)), CLASSES)
