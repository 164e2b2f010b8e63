"""A Vision Transformer as one ONNX graph."""

from typing import Any

from torch import Tensor, nn

from patchword.converters.onnx.graph import Graph, GraphTensor
from patchword.models.vision_transformer import VisionTransformer


def vision_transformer_graphs(model: VisionTransformer) -> tuple[list[Graph], dict[str, Any]]:
    """model.onnx: images to logits, or to features where the model has no head.

    Returns:
        the graph, and what config.json says beside it: nothing, preprocessing and classes say it all.
    """
    config = model.config
    images = GraphTensor(
        "images",
        "float32",
        ("batch", config.channels, *config.image_size),
        "pixels after preprocessing: resized, scaled to 0..1, minus mean, divided by std, channel by channel",
    )
    if config.num_classes:
        output = GraphTensor(
            "logits", "float32", ("batch", config.num_classes), "one for each class; softmax gives probabilities"
        )
    else:
        output = GraphTensor("features", "float32", ("batch", config.feature_size), "the image's representation")
    return [Graph("model.onnx", _Images(model, output.name), [images], [output])], {}


class _Images(nn.Module):
    def __init__(self, model: VisionTransformer, output: str) -> None:
        super().__init__()
        self.model = model
        self.output = output

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        images = inputs["images"]
        return {self.output: self.model(images) if self.output == "logits" else self.model.features(images)}
