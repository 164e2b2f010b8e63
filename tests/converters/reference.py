"""Models of the reference libraries, with weights that hide nothing: no zero biases, no norms of one."""

import importlib
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from patchword import api
from patchword.converters.imported import ImportOptions
from patchword.images.classifier import ImageClassifier

# torchvision's wheel registers these two beside CUDA only; declared here, it and what needs it import beside any torch.
_OPERATORS = torch.library.Library("torchvision", "FRAGMENT")


def reference(name: str) -> Any:
    """A module of a reference library, or a skip where the library is not installed."""
    for operator in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, operator):
            _OPERATORS.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs, of their own dependencies
        pytest.importorskip(name.split(".")[0], reason=f"{name.split('.')[0]} is in the dev extra")
        return importlib.import_module(name)


def randomise(model: nn.Module, seed: int = 0) -> Any:
    """Fill every parameter, so that none is passed over unnoticed; the scale keeps logits well away from zero."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            scale = 1.5 * parameter.shape[-1] ** -0.5 if parameter.ndim > 1 else 0.3
            centre = 1.0 if parameter.ndim == 1 and name.endswith(("weight", "gamma", "lambda1")) else 0.0
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * scale + centre)
    return model.eval()


def photographs() -> list[Image.Image]:
    """Real photographs of several shapes: scikit-learn's two, and parts of them, one of odd sides."""
    from sklearn.datasets import load_sample_images

    china, flower = (Image.fromarray(np.asarray(image)) for image in load_sample_images().images)
    return [china, flower, china.crop((100, 20, 331, 410)), flower.resize((97, 201))]


def imported(source: Path, out: Path, options: ImportOptions | None = None) -> ImageClassifier:
    """What `patchword import` makes of a checkpoint."""
    api.import_checkpoint(source, out, options)
    return ImageClassifier.load(out)


@torch.inference_mode()
def assert_equal_answers(
    classifier: ImageClassifier, theirs: nn.Module, pixels: Tensor, pick: Any = lambda output: output, images: int = 4
) -> None:
    """Pixels within 1/255 and the first images' logits within 1e-4 of the reference's, each after its own transform."""
    ours = classifier.preprocessing(photographs())
    std = torch.tensor(classifier.preprocessing.std)[:, None, None]
    assert ours.shape == pixels.shape
    assert float(((ours - pixels) * std).abs().max()) <= 1 / 255 + 1e-6
    expected, found = pick(theirs(pixels[:images])), classifier.model(ours[:images])
    assert expected.shape == found.shape
    assert float(expected.std()) > 0.05  # a test on logits that are all alike would see nothing
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)
