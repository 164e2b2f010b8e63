"""ResNet of `transformers`: saved by it, imported by us, the same answers; and ours, as it loads them."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from patchword import api
from patchword.errors import CheckpointError, ExportError
from patchword.images.classifier import ImageClassifier
from patchword.images.transforms import Preprocessing
from patchword.models.residual_network import ResidualNetwork
from patchword.models.residual_network_config import ResidualNetworkConfig
from tests.converters.reference import assert_equal_answers, imported, photographs, reference
from tests.converters.resnet.reference import randomise

transformers: Any = reference("transformers")
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
convnext: Any = reference("transformers.models.convnext.image_processing_pil_convnext")

IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
SMALL = {"hidden_sizes": [16, 32, 48, 64], "depths": [1, 2, 1, 2], "embedding_size": 24}
LABELS = {0: "cat", 1: "dog", 2: "crane", 3: "crane"}

MODELS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "bottleneck": ({}, {"size": {"shortest_edge": 64}, "crop_pct": 0.875, "resample": 3}),
    "basic": ({"layer_type": "basic"}, {"size": {"shortest_edge": 64}, "crop_pct": 0.95, "resample": 2}),
    "stride in the 1x1": ({"downsample_in_bottleneck": True}, {"size": {"shortest_edge": 96}}),
    "first stage halves": ({"downsample_in_first_stage": True}, {"size": {"shortest_edge": 64}, **IMAGENET}),
    "large images": ({"layer_type": "basic", "depths": [1, 1, 1, 1]}, {"size": {"shortest_edge": 384}}),
}


def saved(folder: Path, changes: dict[str, Any], settings: dict[str, Any] | None = None, kind: str = "") -> Any:
    config = transformers.ResNetConfig(**{**SMALL, "id2label": LABELS, **changes})
    model = randomise(getattr(transformers, kind or "ResNetForImageClassification")(config))
    model.save_pretrained(folder)
    if settings is not None:
        convnext.ConvNextImageProcessorPil(**settings).save_pretrained(folder)
    return model


def pixels_of(folder: Path) -> torch.Tensor:
    processor = convnext.ConvNextImageProcessorPil.from_pretrained(folder)
    return processor(photographs(), return_tensors="pt").pixel_values


@pytest.mark.parametrize("name", MODELS)
def test_an_imported_model_sees_and_says_the_same(name: str, tmp_path: Path) -> None:
    changes, settings = MODELS[name]
    model = saved(tmp_path / "theirs", changes, settings)
    classifier = imported(tmp_path / "theirs", tmp_path / "ours")
    assert_equal_answers(classifier, model, pixels_of(tmp_path / "theirs"), lambda output: output.logits)
    assert classifier.classes == ("cat", "dog", "crane", "crane (3)")


def test_a_backbone_gives_features(tmp_path: Path) -> None:
    model = saved(tmp_path / "theirs", {}, {"size": {"shortest_edge": 64}}, "ResNetModel")
    classifier = imported(tmp_path / "theirs", tmp_path / "ours")
    pixels = pixels_of(tmp_path / "theirs")
    assert_equal_answers(classifier, model, pixels, lambda output: output.pooler_output.flatten(1))


def test_full_size_as_published(tmp_path: Path) -> None:
    published = {"crop_pct": 0.875, "do_normalize": True, "do_resize": True, "resample": 3, "size": 224, **IMAGENET}
    published |= {"feature_extractor_type": "ConvNextFeatureExtractor"}
    model = saved(tmp_path / "theirs", {**transformers.ResNetConfig().to_dict(), "id2label": None, "num_labels": 1000})
    (tmp_path / "theirs" / "preprocessor_config.json").write_text(json.dumps(published))
    classifier = imported(tmp_path / "theirs", tmp_path / "ours")
    assert sum(p.numel() for p in classifier.model.parameters()) == 25_557_032
    settings = {"size": {"shortest_edge": 224}, "crop_pct": 0.875, "resample": 3, **IMAGENET}
    pixels = convnext.ConvNextImageProcessorPil(**settings)(photographs(), return_tensors="pt").pixel_values
    assert_equal_answers(classifier, model, pixels, lambda output: output.logits)


def test_without_the_processors_settings_the_published_ones_are_assumed_and_said(tmp_path: Path) -> None:
    saved(tmp_path / "theirs", {})
    classifier = imported(tmp_path / "theirs", tmp_path / "ours")
    assert classifier.preprocessing.image_size == (224, 224)
    assert classifier.facts["assumed"][0].startswith("no preprocessor_config.json: assumed the middle 224 of 256")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"hidden_act": "gelu"}, "hidden_act 'gelu' is not supported"),
        ({"layer_type": "dense"}, "layer_type 'dense' is unknown"),
        ({"depths": [1, 2, 1]}, "depths has 3 stages, but widths has 4"),
        ({"depths": [1, 2, 1, 3]}, "missing tensors [encoder.stages.3.layers.2."),
        ({"depths": "many"}, "depths = 'many': expected a list of whole numbers"),
        ({"depths": [1, 2, 1, 900]}, "too few for the blocks"),
        ({"depths": [1, 2, 1, 1000000]}, "expected depths of 1,000 blocks in all at most"),
        ({"hidden_sizes": [16, 32, 48, 60]}, "which does not make stages.3.0.layers.0.convolution.weight"),
    ],
)
def test_a_config_that_does_not_fit_is_refused_in_one_sentence(
    changes: dict[str, Any], problem: str, tmp_path: Path
) -> None:
    saved(tmp_path / "theirs", {}, {"size": {"shortest_edge": 64}})
    path = tmp_path / "theirs" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(CheckpointError) as caught:
        imported(tmp_path / "theirs", tmp_path / "ours")
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["theirs"]


def classifier(name: str = "resnet18", size: int = 64, fraction: float = 0.875, **changes: Any) -> ImageClassifier:
    fields = {"depths": (1, 2, 1, 1), "widths": (16, 32, 32, 64), **changes}
    config = ResidualNetworkConfig.named(name, fields.pop("num_classes", 3), **fields)
    preprocessing = Preprocessing(
        image_size=(size, size), crop_fraction=fraction, crop_rounding="down", interpolation="bilinear"
    )
    return ImageClassifier(randomise(ResidualNetwork(config)), preprocessing, ["a", "b", "c"][: config.num_classes])


@pytest.mark.parametrize(
    "changes", [{}, {"name": "resnet50"}, {"name": "resnet50", "bottleneck_stride": "1x1"}, {"fraction": 0.9}]
)
def test_transformers_loads_an_exported_model_and_says_the_same(changes: dict[str, Any], tmp_path: Path) -> None:
    ours = classifier(**changes)
    api.export(ours, tmp_path / "hf", "hf")
    model, loading = transformers.AutoModelForImageClassification.from_pretrained(
        tmp_path / "hf", output_loading_info=True
    )
    assert type(model).__name__ == "ResNetForImageClassification"
    assert not any(loading[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert model.config.id2label == dict(enumerate(ours.classes))
    bit = reference("transformers.models.bit.image_processing_pil_bit")
    pixels = bit.BitImageProcessorPil.from_pretrained(tmp_path / "hf")(photographs(), return_tensors="pt").pixel_values
    assert_equal_answers(ours, model.eval(), pixels, lambda output: output.logits)


def test_there_and_back_changes_no_bit(tmp_path: Path) -> None:
    ours = classifier(size=56)  # the middle of exactly 64
    ours.save(tmp_path / "model")
    api.export(tmp_path / "model", tmp_path / "hf", "hf")
    back = imported(tmp_path / "hf", tmp_path / "back")
    assert back.classes == ours.classes
    assert back.preprocessing == ours.preprocessing
    before, after = ours.model.state_dict(), back.model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"stem": "cifar"}, "the stem of a CIFAR ResNet (stem)"),
        ({"downsampling": "blur"}, "a blur before downsampling (downsampling)"),
        ({"shortcut": "padded", "widths": (64, 64, 64, 64)}, "no padded shortcuts"),
        ({"shortcut": "average"}, "no average shortcuts"),
        ({"norm_eps": 1e-3}, "another eps of its norms (norm_eps)"),
        ({"num_classes": 0}, "needs classes"),
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
