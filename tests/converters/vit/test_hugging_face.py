"""ViT, DeiT and DINOv2 of `transformers` itself: saved by it, imported by us, the same answers on photographs."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from patchword.converters.imported import ImportOptions
from patchword.errors import CheckpointError
from tests.converters.reference import assert_equal_answers, imported, photographs, randomise, reference

transformers: Any = reference("transformers")
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()

SIZES = {"hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 96}
LABELS = {0: "cat", 1: "dog", 2: "crane", 3: "crane", 4: "Übergröße"}
SQUASH = ("vit", {"size": {"height": 64, "width": 64}})
SQUASH_CROP = ("deit", {"size": {"height": 73, "width": 73}, "crop_size": {"height": 64, "width": 64}})
CROP = ("bit", {"size": {"shortest_edge": 73}, "crop_size": {"height": 64, "width": 64}})

# name: config class, its changes, model class, processor
MODELS: dict[str, tuple[str, dict[str, Any], str, tuple[str, dict[str, Any]]]] = {
    "vit": ("ViTConfig", {}, "ViTForImageClassification", SQUASH),
    "vit, other activation and eps": (
        "ViTConfig",
        {"hidden_act": "gelu_new", "layer_norm_eps": 1e-3},
        "ViTForImageClassification",
        SQUASH,
    ),
    "vit without head, with pooler": ("ViTConfig", {"pooler_output_size": 40}, "ViTModel", SQUASH),
    "vit without attention biases": ("ViTConfig", {"qkv_bias": False}, "ViTForImageClassification", SQUASH),
    "deit": ("DeiTConfig", {}, "DeiTForImageClassification", SQUASH_CROP),
    "deit, distilled": ("DeiTConfig", {}, "DeiTForImageClassificationWithTeacher", SQUASH_CROP),
    "dinov2": ("Dinov2Config", {"image_size": 104}, "Dinov2ForImageClassification", CROP),
    "dinov2 without head": ("Dinov2Config", {"image_size": 64}, "Dinov2Model", CROP),
    "dinov2, gated": ("Dinov2Config", {"image_size": 64, "use_swiglu_ffn": True}, "Dinov2Model", CROP),
    "dinov2 with registers": (
        "Dinov2WithRegistersConfig",
        {"image_size": 104, "num_register_tokens": 3},
        "Dinov2WithRegistersForImageClassification",
        CROP,
    ),
}


def processor(kind: str, **settings: Any) -> Any:
    names = {"vit": "ViTImageProcessorPil", "deit": "DeiTImageProcessorPil", "bit": "BitImageProcessorPil"}
    module = reference(f"transformers.models.{kind}.image_processing_pil_{kind}")
    return getattr(module, names[kind])(**settings)


def build(name: str, **changes: Any) -> Any:
    config, special, model, _ = MODELS[name]
    fields = {**SIZES, "image_size": 64, "patch_size": 8, "id2label": LABELS, **special, **changes}
    return randomise(getattr(transformers, model)(getattr(transformers, config)(**fields)))


def saved(model: Any, folder: Path, processing: Any = None, version: int = 4, pickle: bool = False) -> Path:
    model.save_pretrained(folder, save_original_format=version == 4)
    if pickle:
        torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
        (folder / "model.safetensors").unlink()
    if processing is not None:
        processing.save_pretrained(folder)
    return folder


def answer(output: Any) -> torch.Tensor:
    """Logits, or what a network without a head gives."""
    return output.logits if hasattr(output, "logits") else output.pooler_output


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("name", MODELS)
def test_an_imported_model_sees_and_says_the_same(name: str, version: int, tmp_path: Path) -> None:
    kind, settings = MODELS[name][3]
    model, processing = build(name), processor(kind, **settings)
    folder = saved(model, tmp_path / "theirs", processing, version, pickle=version == 5)
    pixels = processing(photographs(), return_tensors="pt").pixel_values
    classifier = imported(folder, tmp_path / "ours")
    assert_equal_answers(classifier, model, pixels, answer)
    if hasattr(model, "classifier"):
        assert classifier.classes == ("cat", "dog", "crane", "crane (3)", "Übergröße")


def test_the_two_versions_do_name_tensors_differently(tmp_path: Path) -> None:
    names = [
        set(load_file(saved(build("vit"), tmp_path / str(version), version=version) / "model.safetensors"))
        for version in (4, 5)
    ]
    assert "vit.encoder.layer.0.attention.attention.query.weight" in names[0]
    assert "vit.layers.0.attention.q_proj.weight" in names[1]


def test_names_with_and_without_the_networks_prefix_are_the_same(tmp_path: Path) -> None:
    folder = saved(build("vit"), tmp_path / "theirs")
    tensors = load_file(folder / "model.safetensors")
    before = imported(folder, tmp_path / "a").model.state_dict()
    save_file({name.removeprefix("vit."): tensor for name, tensor in tensors.items()}, folder / "model.safetensors")
    after = imported(folder, tmp_path / "b").model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_full_size_with_its_own_processor(tmp_path: Path) -> None:
    model = randomise(transformers.ViTForImageClassification(transformers.ViTConfig(num_labels=1000)))
    processing = processor("vit")
    folder = saved(model, tmp_path / "theirs", processing)
    classifier = imported(folder, tmp_path / "ours")
    assert classifier.model.config.layer_norm_eps == 1e-12
    pixels = processing(photographs(), return_tensors="pt").pixel_values
    assert_equal_answers(classifier, model, pixels, answer, images=2)


def test_full_size_with_positions_for_37_by_37_patches(tmp_path: Path) -> None:
    config = transformers.Dinov2WithRegistersConfig(image_size=518, patch_size=14, num_labels=10)
    model = randomise(transformers.Dinov2WithRegistersForImageClassification(config))
    settings = {"size": {"shortest_edge": 256}, "crop_size": {"height": 224, "width": 224}, "resample": 3}
    processing = processor("bit", **settings, image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225])
    classifier = imported(saved(model, tmp_path / "theirs", processing), tmp_path / "ours")
    assert classifier.model.config.grid == (16, 16)
    pixels = processing(photographs(), return_tensors="pt").pixel_values
    assert_equal_answers(classifier, model, pixels, answer, images=2)


@pytest.mark.parametrize("name", ["vit", "deit, distilled", "dinov2", "dinov2 with registers"])
@pytest.mark.parametrize("size", [(96, 96), (48, 80)])
def test_another_image_size_resizes_positions_as_the_library_does(
    name: str, size: tuple[int, int], tmp_path: Path
) -> None:
    model = build(name)
    classifier = imported(saved(model, tmp_path / "theirs"), tmp_path / "ours", ImportOptions(image_size=size))
    pixels = torch.randn(2, 3, *size)
    extra = {} if name.startswith("dinov2") else {"interpolate_pos_encoding": True}
    with torch.inference_mode():
        torch.testing.assert_close(classifier.model(pixels), answer(model(pixels, **extra)), atol=1e-4, rtol=0)


def test_shards_are_read_through_their_index(tmp_path: Path) -> None:
    model = build("vit")
    model.save_pretrained(tmp_path / "theirs", max_shard_size="100KB")
    assert len(list((tmp_path / "theirs").glob("*.safetensors"))) > 1
    classifier = imported(tmp_path / "theirs", tmp_path / "ours")
    pixels = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(classifier.model(pixels), model(pixels).logits, atol=1e-4, rtol=0)


def test_a_feature_extractors_older_settings_are_understood(tmp_path: Path) -> None:
    folder = saved(build("vit"), tmp_path / "theirs")
    old = {"do_normalize": True, "do_resize": True, "feature_extractor_type": "ViTFeatureExtractor", "size": 64}
    old |= {"image_mean": [0.5] * 3, "image_std": [0.25] * 3, "resample": 2}
    (folder / "preprocessor_config.json").write_text(json.dumps(old))
    found = imported(folder, tmp_path / "ours").preprocessing
    assert (found.resize, found.image_size, found.interpolation) == ("squash", (64, 64), "bilinear")
    assert found.std == (0.25, 0.25, 0.25)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"hidden_act": "tanh"}, "unknown activation 'tanh'"),
        ({"model_type": "bert"}, "model_type 'bert' is another architecture"),
        ({"hidden_size": None}, "config.json:"),
        ({"num_attention_heads": 5}, "d_model 64 is not a multiple of num_heads 5"),
        ({"num_hidden_layers": 2}, "unexpected tensors [encoder.layer.2."),
        ({"num_hidden_layers": 4}, "missing tensors [encoder.layer.3."),
        ({"intermediate_size": 100}, "which does not make encoder.layers.0.feed_forward.inner.weight (100, 64)"),
    ],
)
def test_a_config_that_does_not_fit_is_refused_in_one_sentence(
    changes: dict[str, Any], problem: str, tmp_path: Path
) -> None:
    folder = saved(build("vit"), tmp_path / "theirs")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))
    with pytest.raises(CheckpointError) as caught:
        imported(folder, tmp_path / "ours")
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["theirs"]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"do_resize": False}, "do_resize and do_rescale must be true"),
        ({"resample": 0}, "only 2 (bilinear) and 3 (bicubic)"),
        ({"rescale_factor": 1.0}, "only 1/255 is known"),
        ({"size": {"longest_edge": 3}}, "expected a number, or height and width"),
    ],
)
def test_preprocessing_that_we_cannot_do_is_refused(changes: dict[str, Any], problem: str, tmp_path: Path) -> None:
    folder = saved(build("vit"), tmp_path / "theirs", processor("vit", **SQUASH[1]))
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(CheckpointError) as caught:
        imported(folder, tmp_path / "ours")
    assert problem in str(caught.value)
