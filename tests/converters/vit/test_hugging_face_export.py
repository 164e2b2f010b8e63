"""Our ViT as transformers loads it: the same answers there, and bit for bit the same back here."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from patchword import api
from patchword.errors import ExportError
from patchword.images.classifier import ImageClassifier
from patchword.images.transforms import Preprocessing
from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import VisionTransformerConfig
from tests.converters.reference import assert_equal_answers, imported, photographs, randomise, reference

transformers: Any = reference("transformers")
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()

SIZES = {"patch_size": 8, "d_model": 64, "num_heads": 4, "num_layers": 2, "d_ff": 96, "num_classes": 3}
PROCESSORS = {"squash": "vit", "squash and crop": "deit", "crop": "bit"}


def classifier(size: tuple[int, int] = (64, 64), resize: str = "squash", fraction: float = 1.0, **changes: Any) -> Any:
    config = VisionTransformerConfig.model_validate({**SIZES, "image_size": size, **changes})
    preprocessing = Preprocessing(
        image_size=size,
        resize=resize,  # type: ignore[arg-type]
        crop_fraction=fraction,
        crop_rounding="down",
        interpolation="bilinear",
        std=(0.2, 0.3, 0.25),
    )
    names = [f"class {i}" for i in range(config.num_classes)]
    return ImageClassifier(randomise(VisionTransformer(config)), preprocessing, names)


@pytest.mark.parametrize(
    ("made", "processor"),
    [
        (lambda: classifier(), "ViTImageProcessorPil"),
        (lambda: classifier(size=(48, 80)), "ViTImageProcessorPil"),
        (lambda: classifier(fraction=0.875, activation="gelu_tanh"), "DeiTImageProcessorPil"),
        (lambda: classifier(resize="crop", fraction=0.9, layer_norm_eps=1e-3), "BitImageProcessorPil"),
    ],
    ids=["squash", "not square", "squash and crop", "crop"],
)
def test_transformers_loads_it_and_says_the_same(made: Any, processor: str, tmp_path: Path) -> None:
    ours = made()
    api.export(ours, tmp_path / "hf", "hf")
    model, loading = transformers.AutoModelForImageClassification.from_pretrained(
        tmp_path / "hf", output_loading_info=True
    )
    assert type(model).__name__ == "ViTForImageClassification"
    assert not any(loading[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert model.config.id2label == dict(enumerate(ours.classes))
    kind = processor.removesuffix("ImageProcessorPil").lower()
    processing = getattr(reference(f"transformers.models.{kind}.image_processing_pil_{kind}"), processor)
    pixels = processing.from_pretrained(tmp_path / "hf")(photographs(), return_tensors="pt").pixel_values
    assert_equal_answers(ours, model.eval(), pixels, lambda output: output.logits)


def test_the_processor_is_found_by_its_name(tmp_path: Path) -> None:
    api.export(classifier(resize="crop", fraction=0.9), tmp_path / "hf", "hf")
    found = transformers.AutoImageProcessor.from_pretrained(tmp_path / "hf")
    assert type(found).__name__.startswith("BitImageProcessor")
    assert found(photographs()[0], return_tensors="pt").pixel_values.shape == (1, 3, 64, 64)


@pytest.mark.parametrize("size", [(64, 64), (48, 80)])
def test_there_and_back_changes_no_bit(size: tuple[int, int], tmp_path: Path) -> None:
    ours = classifier(size=size)
    ours.save(tmp_path / "model")
    api.export(tmp_path / "model", tmp_path / "hf", "hf")
    back = imported(tmp_path / "hf", tmp_path / "back")
    assert back.classes == ours.classes
    assert back.preprocessing == ours.preprocessing
    before, after = ours.model.state_dict(), back.model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    pixels = ours.preprocessing(photographs())
    assert torch.equal(ours.model(pixels), back.model(pixels))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"norm_first": False}, "Post-LN layers (norm_first)"),
        ({"pool": "mean"}, "another pooling than the class token (pool)"),
        ({"register_tokens": 2}, "register tokens (register_tokens)"),
        ({"layer_scale": 1e-5}, "LayerScale (layer_scale)"),
        ({"head_hidden": 8}, "a hidden layer in its head (head_hidden)"),
        ({"distillation_token": True}, "a distillation token (distillation_token)"),
        ({"positions": "none"}, "no position embedding (positions)"),
        ({"num_classes": 0}, "needs classes"),
        ({"activation": "swiglu"}, "has no activation swiglu"),
        ({"resize": "pad"}, "no processor that pads"),
        ({"resize": "crop", "size": (48, 80)}, "no processor that crops to 48 x 80"),
    ],
)
def test_what_the_class_cannot_express_is_refused_with_the_reason(
    changes: dict[str, Any], problem: str, tmp_path: Path
) -> None:
    with pytest.raises(ExportError) as caught:
        api.export(classifier(**changes), tmp_path / "hf", "hf")
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_class_name_beyond_ascii_stays_readable(tmp_path: Path) -> None:
    ours = classifier()
    renamed = ImageClassifier(ours.model, ours.preprocessing, ["猫", "狗", "Vögel"])
    api.export(renamed, tmp_path / "hf", "hf")
    text = (tmp_path / "hf" / "config.json").read_text(encoding="utf-8")
    assert "猫" in text
    assert json.loads(text)["label2id"]["Vögel"] == 2
