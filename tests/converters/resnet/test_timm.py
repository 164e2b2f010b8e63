"""ResNet of timm itself: saved by it, imported by us, the same answers on photographs."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from patchword.converters.importing import convert
from patchword.errors import CheckpointError
from tests.converters.reference import assert_equal_answers, imported, photographs, reference
from tests.converters.resnet.reference import randomise

timm: Any = reference("timm")
hub: Any = reference("timm.models._hub")
data: Any = reference("timm.data")


def saved(name: str, folder: Path, **arguments: Any) -> Any:
    model = randomise(timm.create_model(name, pretrained=False, **arguments))
    hub.save_for_hf(model, str(folder), model_args=arguments, safe_serialization="both")
    return model


def pixels_of(model: Any) -> torch.Tensor:
    transform = data.create_transform(**data.resolve_data_config({}, model=model), is_training=False)
    return torch.stack([transform(photograph) for photograph in photographs()])


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("resnet18.a1_in1k", {"num_classes": 5}),
        ("resnet18.tv_in1k", {"num_classes": 5}),
        ("resnet50.a1_in1k", {"layers": [1, 1, 1, 1], "num_classes": 5}),
        ("resnet50.a1h_in1k", {"layers": [1, 2, 1, 1], "num_classes": 5}),
        ("resnetblur50.bt_in1k", {"layers": [1, 2, 1, 1], "num_classes": 5, "drop_path_rate": 0.1}),
        ("resnetblur18", {"num_classes": 0}),
    ],
)
def test_an_imported_model_sees_and_says_the_same(name: str, arguments: dict[str, Any], tmp_path: Path) -> None:
    model = saved(name, tmp_path / "theirs", **arguments)
    classifier = imported(tmp_path / "theirs", tmp_path / "ours")
    assert convert(tmp_path / "theirs").notes == ()
    assert_equal_answers(classifier, model, pixels_of(model))


def test_full_size_with_its_own_transform(tmp_path: Path) -> None:
    model = saved("resnet50.tv_in1k", tmp_path / "theirs")
    classifier = imported(tmp_path / "theirs", tmp_path / "ours")
    assert (classifier.preprocessing.crop_fraction, classifier.preprocessing.interpolation) == (0.875, "bilinear")
    assert_equal_answers(classifier, model, pixels_of(model))


@pytest.mark.parametrize("weights", ["tv_in1k", "a1_in1k"])
@pytest.mark.parametrize("layers", [18, 34, 50, 101, 152])
def test_every_published_size_is_read_as_timm_builds_it(layers: int, weights: str) -> None:
    """Without weights: what the converter concludes from names, shapes and settings is what timm computes."""
    from patchword.converters.imported import ImportOptions
    from patchword.converters.resnet.timm import convert as convert_timm

    with torch.device("meta"):
        model = timm.create_model(f"resnet{layers}.{weights}")
    settings = model.pretrained_cfg
    config = {"architecture": f"resnet{layers}", "num_classes": 1000, "global_pool": "avg"}
    found = convert_timm(Path("x"), {**config, "pretrained_cfg": settings}, model.state_dict(), ImportOptions())
    assert sum(found.config.depths) == sum(len(stage) for stage in (getattr(model, f"layer{i}") for i in range(1, 5)))
    assert found.details.preprocessing.crop_fraction == settings["crop_pct"]
    assert found.details.preprocessing.interpolation == settings["interpolation"]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"architecture": "resnet50d"}, "architecture 'resnet50d' is not one of resnet18"),
        ({"architecture": "resnext50_32x4d"}, "architecture 'resnext50_32x4d' is not a ViT"),
        ({"global_pool": "max"}, "global_pool 'max' is not supported"),
        ({"model_args": {"act_layer": "gelu"}}, "model_args.act_layer = 'gelu' is not supported"),
        ({"pretrained_cfg": {"crop_mode": "border"}}, "crop_mode 'border'"),
    ],
)
def test_a_config_that_we_cannot_follow_is_refused(changes: dict[str, Any], problem: str, tmp_path: Path) -> None:
    saved("resnet18", tmp_path / "theirs", num_classes=5)
    path = tmp_path / "theirs" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(CheckpointError) as caught:
        convert(tmp_path / "theirs")
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)
