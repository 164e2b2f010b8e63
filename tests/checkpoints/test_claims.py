"""What a model folder claims is compared with what it has before anything is built, read or waited for."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from patchword import api
from patchword.checkpoints.model_folder import read_description, read_model
from patchword.errors import ModelFolderError, NotFiniteError, PatchwordError
from patchword.images.classifier import ImageClassifier
from patchword.images.transforms import Preprocessing
from patchword.models.registry import ARCHITECTURES
from tests.checkpoints.test_reading_models import MODELS, write
from tests.converters.reference import photographs


def edited(folder: Path, **changes: Any) -> None:
    values = json.loads((folder / "config.json").read_text())
    values["model"] |= changes
    (folder / "config.json").write_text(json.dumps(values))


def refusal(folder: Path) -> str:
    begin = time.monotonic()
    with pytest.raises(ModelFolderError) as caught:
        read_model(folder, read_description(folder))
    assert time.monotonic() - begin < 5
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("one embedding", "encoder_layers"),
        ("one embedding", "decoder_layers"),
        ("ViT", "num_layers"),
        ("LSTM", "encoder_layers"),
    ],
)
@pytest.mark.parametrize("layers", [10**30, 1e9, 10**5, 1000, 999])
def test_layers_beyond_those_in_the_file_are_refused_at_once(
    tmp_path: Path, name: str, field: str, layers: float
) -> None:
    write(tmp_path / "model", name)
    edited(tmp_path / "model", **{field: layers})
    assert "too few for" in (text := refusal(tmp_path / "model")) or f"{field} = " in text


def test_blocks_beyond_those_in_the_file_are_refused_at_once(tmp_path: Path) -> None:
    write(tmp_path / "model", "ResNet")
    for depths in ([10**9, 1], [400, 500]):
        edited(tmp_path / "model", depths=depths)
        text = refusal(tmp_path / "model")
        assert "depths of 1,000 blocks in all at most" in text or "too few for 900 layers" in text


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("value", [10**30, 1e30, -1, float("nan"), float("inf"), [10**9] * 2, "x" * 5000, {"a": 1}])
def test_every_field_of_every_config_has_a_range(tmp_path: Path, name: str, value: Any) -> None:
    architecture = ARCHITECTURES[MODELS[name][0]]
    for field in architecture.config.model_fields:
        with pytest.raises(PatchwordError) as caught:
            architecture.config.parse({**MODELS[name][1], field: value}, "config.json")
        assert field in str(caught.value) or "pixels" in str(caught.value)
        assert len(str(caught.value)) < 600


@pytest.mark.parametrize("size", [(2**14, 2**14), (10**9, 8), (4096, 4100)])
def test_images_of_enormous_sizes_are_refused_without_positions_too(size: tuple[int, int]) -> None:
    config = ARCHITECTURES["vision_transformer"].config
    with pytest.raises(PatchwordError, match=r"pixels|patches"):
        config.parse({"num_classes": 2, "image_size": size, "patch_size": 4, "positions": "none"}, "config.json")
    network = ARCHITECTURES["residual_network"].config.parse({"num_classes": 2}, "config.json")
    with pytest.raises(ValueError, match="pixels"):
        network.check_image_size(size)  # type: ignore[attr-defined]


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
def test_a_pipe_or_a_device_in_a_files_place_is_refused(tmp_path: Path, file: str) -> None:
    write(tmp_path / "model", "ViT")
    (tmp_path / "model" / file).unlink()
    os.mkfifo(tmp_path / "model" / file)
    assert file in refusal(tmp_path / "model")
    (tmp_path / "model" / file).unlink()
    (tmp_path / "model" / file).symlink_to("/dev/zero")
    assert file in refusal(tmp_path / "model")


@pytest.mark.parametrize("claim", [2**62, 2**40, 10**9, 5000])
def test_a_header_that_claims_more_than_the_file_has_is_refused(tmp_path: Path, claim: int) -> None:
    write(tmp_path / "model", "ViT")
    path = tmp_path / "model" / "model.safetensors"
    path.write_bytes(claim.to_bytes(8, "little") + path.read_bytes()[8:])
    assert "damaged or not a safetensors file" in refusal(tmp_path / "model")
    header = {"head.linear.bias": {"dtype": "F32", "shape": [claim], "data_offsets": [0, 4 * claim]}}
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    assert "damaged or not a safetensors file" in refusal(tmp_path / "model")


@pytest.fixture
def classifier(tmp_path: Path) -> Path:
    config = ARCHITECTURES["vision_transformer"].config.parse(MODELS["ViT"][1] | {"image_size": (8, 8)}, "")
    model = ARCHITECTURES["vision_transformer"].model(config)
    api.save(ImageClassifier(model, Preprocessing(image_size=(8, 8)), ["a", "b", "c"]), tmp_path / "classifier")
    return tmp_path / "classifier"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_weight_that_is_no_number_is_named_by_every_verb(classifier: Path, tmp_path: Path, value: float) -> None:
    tensors = load_file(classifier / "model.safetensors")
    tensors["encoder.layers.1.feed_forward.inner.bias"][3] = value
    save_file(tensors, classifier / "model.safetensors")
    verbs = (
        api.describe,
        api.load,
        lambda folder: api.load(folder, reference=True),
        lambda folder: api.export(folder, tmp_path / "out", "hf"),
        lambda folder: api.evaluation(folder, [tmp_path]),
    )
    for verb in verbs:
        with pytest.raises(PatchwordError, match=r"encoder\.layers\.1\.feed_forward\.inner\.bias holds values"):
            verb(classifier)
    assert not (tmp_path / "out").exists()


def test_a_damaged_network_in_memory_is_not_exported(classifier: Path, tmp_path: Path) -> None:
    system: Any = api.load(classifier, reference=True)
    with torch.no_grad():
        system.model.head.linear.bias[1] = torch.nan
    with pytest.raises(NotFiniteError, match=r"head\.linear\.bias holds values"):
        api.export(system, tmp_path / "out", "hf")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("reference", [False, True])
def test_answers_that_are_no_numbers_are_never_probabilities(classifier: Path, reference: bool) -> None:
    tensors = load_file(classifier / "model.safetensors")
    tensors["head.linear.weight"][:] = torch.finfo(torch.float32).max
    save_file(tensors, classifier / "model.safetensors")
    system: Any = api.load(classifier, reference=reference)
    for ask in (system.classify, lambda images: system.attention(images[0])):
        with pytest.raises(NotFiniteError, match="answers are infinite or not numbers"):
            ask(photographs())


def test_a_transformer_is_no_classifier_and_the_other_way_round(tmp_path: Path) -> None:
    for name, task, problem in (
        ("one embedding", "classification", "does not classify images"),
        ("ViT", "translation", "does not translate"),
    ):
        write(tmp_path / task, name)
        values = json.loads((tmp_path / task / "config.json").read_text())
        (tmp_path / task / "config.json").write_text(json.dumps(values | {"task": task}))
        with pytest.raises(ModelFolderError, match=problem):
            api.load(tmp_path / task)
