"""ViT of timm itself: saved by it with and without its config.json, imported by us, the same answers on photographs."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from patchword.converters.imported import ImportOptions
from patchword.converters.importing import convert
from patchword.converters.vit.timm import convert as convert_timm
from patchword.errors import CheckpointError
from tests.converters.reference import assert_equal_answers, imported, photographs, randomise, reference

timm: Any = reference("timm")
hub: Any = reference("timm.models._hub")
data: Any = reference("timm.data")

SMALL = {"img_size": 64, "patch_size": 8, "embed_dim": 64, "depth": 3, "num_heads": 2, "num_classes": 5}

# architecture, arguments
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "class token": ("vit_tiny_patch16_224", {}),
    "distilled": ("deit_tiny_distilled_patch16_224", {}),
    "mean pooling with fc_norm, four registers": ("vit_medium_patch16_reg4_gap_256", {}),
    "mean pooling with class token": ("vit_tiny_patch16_224", {"global_pool": "avg"}),
    "mean pooling after the norm": ("vit_tiny_patch16_224", {"global_pool": "avg", "fc_norm": False}),
    "registers with positions": ("vit_so150m_patch16_reg4_gap_256", {}),
    "no position for the class token": ("deit3_small_patch16_224", {}),
    "dinov2 with registers": ("vit_base_patch14_reg4_dinov2", {}),
    "no attention biases": ("vit_base_patch16_224_miil", {}),
    "no head": ("vit_tiny_patch16_224", {"num_classes": 0}),
    "gelu by tanh": ("vit_so400m_patch16_siglip_gap_256", {}),
    "not square": ("vit_tiny_patch16_224", {"img_size": (48, 80)}),
}


def build(name: str) -> tuple[Any, dict[str, Any]]:
    architecture, special = MODELS[name]
    arguments = {**SMALL, **special}
    return randomise(timm.create_model(architecture, pretrained=False, **arguments)), arguments


def pixels_of(model: Any) -> torch.Tensor:
    transform = data.create_transform(**data.resolve_data_config({}, model=model), is_training=False)
    return torch.stack([transform(photograph) for photograph in photographs()])


@pytest.mark.parametrize("serialisation", ["both", False])
@pytest.mark.parametrize("name", MODELS)
def test_an_imported_model_sees_and_says_the_same(name: str, serialisation: Any, tmp_path: Path) -> None:
    model, arguments = build(name)
    model.pretrained_cfg["input_size"] = (3, *model.patch_embed.img_size)
    hub.save_for_hf(model, str(tmp_path / "theirs"), model_args=arguments, safe_serialization=serialisation)
    classifier = imported(tmp_path / "theirs", tmp_path / "ours")
    assert classifier.model.config.layer_norm_eps == 1e-6
    assert_equal_answers(classifier, model, pixels_of(model), lambda output: output)


@pytest.mark.parametrize("suffix", [".safetensors", ".bin", ".pth"])
def test_a_bare_state_dict_is_recognised_and_what_was_assumed_is_said(suffix: str, tmp_path: Path) -> None:
    model = randomise(timm.create_model("vit_tiny_patch16_224", depth=2, num_classes=7))
    path = tmp_path / f"theirs{suffix}"
    state = model.state_dict()
    save_file(state, path) if suffix == ".safetensors" else torch.save(
        {"model": state} if suffix == ".pth" else state, path
    )
    found = convert(path)
    assert "no config.json: assumed crop 0.9, bicubic" in found.notes[0]
    assert found.details.classes == tuple(str(i) for i in range(7))
    assert_equal_answers(imported(path, tmp_path / "ours"), model, pixels_of(model), lambda output: output)


def test_full_size_with_its_own_transform(tmp_path: Path) -> None:
    model = randomise(timm.create_model("vit_base_patch16_224"))
    hub.save_for_hf(model, str(tmp_path / "theirs"), safe_serialization=True)
    classifier = imported(tmp_path / "theirs", tmp_path / "ours")
    assert (classifier.preprocessing.crop_fraction, classifier.preprocessing.interpolation) == (0.9, "bicubic")
    assert_equal_answers(classifier, model, pixels_of(model), images=2)


@pytest.mark.parametrize("size", [(96, 96), (48, 80)])
@pytest.mark.parametrize("name", ["class token", "mean pooling with fc_norm, four registers"])
def test_another_image_size_resizes_positions_as_the_library_does(
    name: str, size: tuple[int, int], tmp_path: Path
) -> None:
    model, arguments = build(name)
    hub.save_for_hf(model, str(tmp_path / "theirs"), model_args=arguments)
    classifier = imported(tmp_path / "theirs", tmp_path / "ours", ImportOptions(image_size=size))
    assert classifier.preprocessing.image_size == size
    model.set_input_size(img_size=size)
    pixels = torch.randn(2, 3, *size)
    with torch.inference_mode():
        torch.testing.assert_close(classifier.model(pixels), model(pixels), atol=1e-4, rtol=0)


def test_every_vit_that_timm_knows_is_read_as_it_is_built_or_refused() -> None:
    """Without weights: what the converter concludes from names and shapes is what timm computes."""
    from timm.models.vision_transformer import VisionTransformer

    read, refused = [], []
    for name in timm.list_models(["vit_*", "deit*", "flexivit*", "test_vit*"]):
        try:
            with torch.device("meta"):
                model = timm.create_model(name, depth=1)
        except AssertionError:
            continue  # sizes that depend on the full depth: not a plain ViT
        settings = {key: value for key, value in model.pretrained_cfg.items() if key in ("input_size", "mean", "std")}
        config = {"architecture": name, "global_pool": getattr(model, "global_pool", ""), "pretrained_cfg": settings}
        config["pretrained_cfg"]["crop_mode"] = model.pretrained_cfg["crop_mode"]
        try:
            found = convert_timm(Path(name), config, model.state_dict(), ImportOptions()).config.model_dump()
        except CheckpointError:
            refused.append(name)
            continue
        read.append(name)
        assert isinstance(model, VisionTransformer), name
        block = model.blocks[0]
        assert type(block).__name__ == "Block", name
        assert found["num_heads"] == block.attn.num_heads, name
        activation = type(block.mlp.act).__name__
        assert activation == {"gelu": "GELU", "gelu_tanh": "GELUTanh", "swiglu": "SiLU"}[found["activation"]], name
        assert found["layer_norm_eps"] == block.norm1.eps, name
        assert found["pool"] == {"token": "class_token", "avg": "mean"}[model.global_pool], name
        assert found["num_classes"] == model.num_classes, name
    assert {"vit_base_patch16_224", "deit3_huge_patch14_224", "vit_giant_patch14_reg4_dinov2"} <= set(read)
    assert {"vit_base_patch16_siglip_224", "vit_base_patch16_clip_224", "vit_base_patch16_rope_224"} <= set(refused)
    assert len(read) > 80


def test_what_a_state_dict_cannot_tell_can_be_given(tmp_path: Path) -> None:
    model = randomise(timm.create_model("vit_tiny_patch16_224", **{**SMALL, "embed_dim": 60, "num_heads": 3}))
    torch.save(model.state_dict(), tmp_path / "theirs.pth")
    with pytest.raises(CheckpointError, match="the number of heads of width 60 is not in the file; give --heads"):
        convert(tmp_path / "theirs.pth")
    names = ("a", "b", "c", "d", "e")
    classifier = imported(tmp_path / "theirs.pth", tmp_path / "ours", ImportOptions(num_heads=3, classes=names))
    assert classifier.classes == names
    pixels = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(classifier.model(pixels), model(pixels), atol=1e-4, rtol=0)
    with pytest.raises(CheckpointError, match="has 5 classes, but 2 names were given"):
        convert(tmp_path / "theirs.pth", ImportOptions(num_heads=3, classes=("a", "b")))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"architecture": "convnext_tiny"}, "architecture 'convnext_tiny' is not a ViT of the paper's kind"),
        ({"global_pool": "map"}, "global_pool 'map' is not supported"),
        ({"model_args": {"act_layer": "mish"}}, "act_layer 'mish' is not supported"),
        ({"pretrained_cfg": {"crop_mode": "border"}}, "crop_mode 'border'"),
    ],
)
def test_a_config_that_we_cannot_follow_is_refused(changes: dict[str, Any], problem: str, tmp_path: Path) -> None:
    model, arguments = build("class token")
    hub.save_for_hf(model, str(tmp_path / "theirs"), model_args=arguments)
    path = tmp_path / "theirs" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(CheckpointError) as caught:
        convert(tmp_path / "theirs")
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)
