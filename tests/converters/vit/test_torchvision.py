"""ViT of torchvision itself: its state dict, imported by us, the same answers on photographs."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from patchword.converters.imported import ImportOptions
from patchword.converters.importing import convert
from patchword.errors import CheckpointError
from tests.converters.reference import assert_equal_answers, imported, photographs, randomise, reference

vision_transformer: Any = reference("torchvision.models.vision_transformer")
presets: Any = reference("torchvision.transforms._presets")

SMALL = {"image_size": 64, "patch_size": 8, "num_layers": 3, "num_heads": 2, "hidden_dim": 128, "mlp_dim": 96}


def small(**changes: Any) -> Any:
    return randomise(vision_transformer.VisionTransformer(**{**SMALL, "num_classes": 5, **changes}))


def pixels_of(size: int, resize: int) -> torch.Tensor:
    transform = presets.ImageClassification(crop_size=size, resize_size=resize)
    return torch.stack([transform(photograph) for photograph in photographs()])


@pytest.mark.parametrize("representation", [None, 40])
def test_an_imported_model_sees_and_says_the_same(representation: int | None, tmp_path: Path) -> None:
    model = small(representation_size=representation)
    torch.save(model.state_dict(), tmp_path / "theirs.pth")
    classifier = imported(tmp_path / "theirs.pth", tmp_path / "ours")
    # 64 pixels are cut out of 73, as 224 are out of 256.
    assert_equal_answers(classifier, model, pixels_of(64, 73), lambda output: output)


def test_the_oldest_files_names_are_read_too(tmp_path: Path) -> None:
    model = small()
    old = {
        re.sub(r"mlp\.(0|3)\.", lambda m: f"mlp.linear_{1 if m[1] == '0' else 2}.", name): tensor
        for name, tensor in model.state_dict().items()
    }
    assert "encoder.layers.encoder_layer_0.mlp.linear_1.weight" in old
    torch.save(old, tmp_path / "theirs.pth")
    assert_equal_answers(
        imported(tmp_path / "theirs.pth", tmp_path / "ours"), model, pixels_of(64, 73), lambda output: output
    )


def test_full_size_with_its_own_transform(tmp_path: Path) -> None:
    model = randomise(vision_transformer.vit_b_16())
    torch.save(model.state_dict(), tmp_path / "vit_b_16.pth")
    classifier = imported(tmp_path / "vit_b_16.pth", tmp_path / "ours")
    weights = vision_transformer.ViT_B_16_Weights.IMAGENET1K_V1
    pixels = torch.stack([weights.transforms()(photograph) for photograph in photographs()])
    assert_equal_answers(classifier, model, pixels, images=2)


def test_the_larger_weights_are_scored_on_the_whole_square(tmp_path: Path) -> None:
    model = small(image_size=384, patch_size=32)
    torch.save(model.state_dict(), tmp_path / "theirs.pth")
    transform = vision_transformer.ViT_B_16_Weights.IMAGENET1K_SWAG_E2E_V1.transforms()
    pixels = torch.stack([transform(photograph) for photograph in photographs()])
    assert_equal_answers(imported(tmp_path / "theirs.pth", tmp_path / "ours"), model, pixels, lambda output: output)


def test_another_image_size_resizes_positions_as_the_library_does(tmp_path: Path) -> None:
    model = small()
    torch.save(model.state_dict(), tmp_path / "theirs.pth")
    classifier = imported(tmp_path / "theirs.pth", tmp_path / "ours", ImportOptions(image_size=(96, 96)))
    resized = vision_transformer.interpolate_embeddings(96, 8, model.state_dict())
    other = small(image_size=96)
    other.load_state_dict(resized)
    pixels = torch.randn(2, 3, 96, 96)
    with torch.inference_mode():
        torch.testing.assert_close(classifier.model(pixels), other(pixels), atol=1e-4, rtol=0)


def test_another_network_of_torchvisions_is_refused(tmp_path: Path) -> None:
    squeezenet: Any = reference("torchvision.models.squeezenet")
    torch.save(squeezenet.squeezenet1_1().state_dict(), tmp_path / "squeezenet.pth")
    with pytest.raises(CheckpointError, match="of an unknown layout"):
        convert(tmp_path / "squeezenet.pth")


def test_a_head_put_in_the_place_of_the_whole_last_part_is_read_too(tmp_path: Path) -> None:
    model = small()
    model.heads = randomise(torch.nn.Linear(SMALL["hidden_dim"], 4))
    torch.save(model.state_dict(), tmp_path / "theirs.pth")
    assert "heads.weight" in model.state_dict()
    assert_equal_answers(
        imported(tmp_path / "theirs.pth", tmp_path / "ours"), model, pixels_of(64, 73), lambda output: output
    )
