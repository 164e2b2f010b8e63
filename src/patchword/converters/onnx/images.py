"""An image network as one ONNX graph."""

from torch import Tensor, nn

from patchword.converters.onnx.graph import Graph, GraphTensor
from patchword.models.contracts import ImageModel
from patchword.models.image_config import ImageConfig


def image_graph(model: ImageModel, image_size: tuple[int, int]) -> Graph:
    """model.onnx: images to logits, or to features where the model has no head.

    Args:
        model: the network.
        image_size: (height, width) in pixels of the images that the graph takes.
    """
    config: ImageConfig = model.config
    images = GraphTensor(
        "images",
        "float32",
        ("batch", config.channels, *image_size),
        "pixels after preprocessing: resized, scaled to 0..1, minus mean, divided by std, channel by channel",
    )
    if config.num_classes:
        output = GraphTensor(
            "logits", "float32", ("batch", config.num_classes), "one for each class; softmax gives probabilities"
        )
    else:
        output = GraphTensor("features", "float32", ("batch", config.feature_size), "the image's representation")
    return Graph("model.onnx", _Images(model, output.name), [images], [output])


class _Images(nn.Module):
    def __init__(self, model: ImageModel, output: str) -> None:
        super().__init__()
        self.model = model
        self.output = output

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        images = inputs["images"]
        return {self.output: self.model(images) if self.output == "logits" else self.model.features(images)}
