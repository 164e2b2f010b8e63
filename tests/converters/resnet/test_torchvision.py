"""ResNet of torchvision itself: its state dict, imported by us, the same answers on photographs."""

from pathlib import Path
from typing import Any

import pytest
import torch

from patchword.converters.imported import ImportOptions
from patchword.converters.importing import convert
from patchword.errors import CheckpointError
from tests.converters.reference import assert_equal_answers, imported, photographs, reference
from tests.converters.resnet.reference import randomise

resnet: Any = reference("torchvision.models.resnet")


def pixels_of(weights: Any) -> torch.Tensor:
    return torch.stack([weights.transforms()(photograph) for photograph in photographs()])


def small(block: str, **changes: Any) -> Any:
    return randomise(resnet.ResNet(getattr(resnet, block), [1, 2, 1, 1], **{"num_classes": 5, **changes}))


@pytest.mark.parametrize("block", ["BasicBlock", "Bottleneck"])
def test_an_imported_model_sees_and_says_the_same(block: str, tmp_path: Path) -> None:
    model = small(block)
    torch.save(model.state_dict(), tmp_path / "theirs.pth")
    classifier = imported(tmp_path / "theirs.pth", tmp_path / "ours")
    assert_equal_answers(classifier, model, pixels_of(resnet.ResNet18_Weights.IMAGENET1K_V1))
    assert classifier.classes == ("0", "1", "2", "3", "4")


def test_full_size_with_its_own_transform(tmp_path: Path) -> None:
    model = randomise(resnet.resnet50())
    torch.save(model.state_dict(), tmp_path / "resnet50-11ad3fa6.pth")
    found = convert(tmp_path / "resnet50-11ad3fa6.pth")
    assert "second weights: assumed the middle 224 of 232 pixels" in found.notes[0]
    assert found.parameters == 25_557_032
    classifier = imported(tmp_path / "resnet50-11ad3fa6.pth", tmp_path / "ours")
    assert_equal_answers(classifier, model, pixels_of(resnet.ResNet50_Weights.IMAGENET1K_V2))


def test_what_the_file_does_not_say_is_assumed_and_said(tmp_path: Path) -> None:
    torch.save(small("BasicBlock").state_dict(), tmp_path / "theirs.pth")
    (note,) = convert(tmp_path / "theirs.pth").notes
    assert note.startswith("the file says nothing of preprocessing: assumed the middle 224 of 256 pixels, bilinear")


def test_another_image_size_needs_no_change_of_weights(tmp_path: Path) -> None:
    model = small("Bottleneck")
    torch.save(model.state_dict(), tmp_path / "theirs.pth")
    classifier = imported(tmp_path / "theirs.pth", tmp_path / "ours", ImportOptions(image_size=(96, 64)))
    assert classifier.preprocessing.image_size == (96, 64)
    pixels = torch.randn(2, 3, 96, 64)
    with torch.inference_mode():
        torch.testing.assert_close(classifier.model(pixels), model(pixels), atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (ImportOptions(image_size=(16, 64)), "images of 16 x 64 pixels are too small"),
        (ImportOptions(num_heads=4), "is a ResNet, which has no attention heads"),
        (ImportOptions(classes=("a", "b")), "has 5 classes, but 2 names were given"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: ImportOptions, problem: str, tmp_path: Path) -> None:
    torch.save(small("BasicBlock").state_dict(), tmp_path / "theirs.pth")
    with pytest.raises(CheckpointError, match=problem):
        convert(tmp_path / "theirs.pth", options)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"width_per_group": 128}, "which does not make stages.0.0.layers.0.convolution.weight"),
        ({"groups": 4, "width_per_group": 16}, "which does not make stages.0.0.layers.1.convolution.weight"),
    ],
)
def test_wide_and_grouped_networks_are_refused(changes: dict[str, Any], problem: str, tmp_path: Path) -> None:
    torch.save(small("Bottleneck", **changes).state_dict(), tmp_path / "theirs.pth")
    with pytest.raises(CheckpointError) as caught:
        imported(tmp_path / "theirs.pth", tmp_path / "ours")
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "ours").exists()


def test_damage_is_refused_in_one_sentence(tmp_path: Path) -> None:
    state = small("BasicBlock").state_dict()
    damages = {
        "layer2.1.bn1.running_var": "missing tensors [layer2.1.bn1.running_var]",
        "layer4.0.conv2.weight": "'layer4.0.conv2.weight' is missing or misshapen",
    }
    for name, problem in damages.items():
        torch.save({key: tensor for key, tensor in state.items() if key != name}, tmp_path / "theirs.pth")
        with pytest.raises(CheckpointError) as caught:
            convert(tmp_path / "theirs.pth")
        assert problem in str(caught.value)
        assert "\n" not in str(caught.value)
    torch.save({**state, "conv1.weight": torch.zeros(64, 3, 3, 3)}, tmp_path / "theirs.pth")
    with pytest.raises(CheckpointError, match="its first convolution is 3 x 3"):
        convert(tmp_path / "theirs.pth")
