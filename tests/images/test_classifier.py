"""A classifier answers for no images, in half precision, and in a forked child."""

from typing import Any

import pytest
import torch
from PIL import Image

from patchword.images.classifier import ImageClassifier
from patchword.images.transforms import Preprocessing
from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import VisionTransformerConfig

SIZES = {"image_size": (8, 12), "patch_size": 4, "d_model": 32, "num_heads": 4, "num_layers": 2, "d_ff": 48}


def classifier(dtype: torch.dtype = torch.float32, **options: Any) -> ImageClassifier:
    torch.manual_seed(1)
    model = VisionTransformer(VisionTransformerConfig.parse({"num_classes": 3, **SIZES}, "test"))
    return ImageClassifier(model.to(dtype), Preprocessing(image_size=(8, 12)), ["a", "b", "c"], **options)


@pytest.mark.parametrize("options", [{}, {"precision": "bfloat16"}, {"precision": "int8"}, {"reference": True}])
def test_no_images_have_no_probabilities(options: Any) -> None:
    assert classifier(**options).probabilities(torch.zeros(0, 3, 8, 12, dtype=torch.uint8)).shape == (0, 3)
    assert classifier(**options).classify([]) == []
    assert classifier(**options).features([]).shape == (0, 32)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_weights_classify_too(dtype: torch.dtype) -> None:
    pixels, image = torch.randint(0, 256, (2, 3, 8, 12), dtype=torch.uint8), Image.new("RGB", (20, 20), "red")
    whole, half = classifier(), classifier(dtype)
    torch.testing.assert_close(half.probabilities(pixels), whole.probabilities(pixels), atol=0.02, rtol=0)
    torch.testing.assert_close(half.features([image]), whole.features([image]), atol=0.1, rtol=0.05)
    assert half.attention(image).classification.predictions[0][0] == whole.classify([image])[0].predictions[0][0]


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
def test_a_pixel_that_is_no_number_has_no_classes(precision: Any) -> None:
    images = torch.zeros(2, 3, 8, 12)
    images[0, 1, 2, 3] = float("nan")
    with torch.inference_mode():
        logits = classifier(precision=precision).network.fast(images)
    assert logits[0].isnan().all()
    assert logits[1].isfinite().all()
