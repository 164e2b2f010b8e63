"""Mistakes with any of the four architectures are one sentence, and leave nothing behind."""

import json
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from patchword import api
from patchword.checkpoints.model_folder import write_model_folder
from patchword.models.model_config import ModelConfig
from patchword.models.registry import ARCHITECTURES, regularisation
from tests.architectures.kinds import Refusals, Workshop, copied, settings_of


def test_a_model_that_is_none_or_is_for_the_other_task(shop: Workshop, tmp_path: Path, refused: Refusals) -> None:
    task, out = shop.kind.task, ["--out", tmp_path / "out"]
    wrong = f"{shop.kind.short}x"
    assert f"unknown model '{wrong}' for {task}" in refused("train", task, *shop.options, "--model", wrong, *out)
    other = "cnn" if shop.kind.translates else "rnn"
    assert f"unknown model '{other}' for {task}" in refused("train", task, *shop.options, "--model", other, *out)


def test_a_field_of_another_architecture_or_of_none(shop: Workshop, tmp_path: Path, refused: Refusals) -> None:
    start = ["train", shop.kind.task, *shop.options, "--model", shop.kind.short, "--out", tmp_path / "out"]
    name, value = shop.kind.foreign
    said = refused(*start, *settings_of({f"model.{name}": value}))
    assert f"unknown key 'model.{name}'" in said
    said = refused(*start, *settings_of({f"model.{shop.kind.dropout}s": 0.1}))
    assert f"did you mean 'model.{shop.kind.dropout}'?" in said


def test_a_size_that_there_is_not_and_sizes_that_do_not_fit(shop: Workshop, tmp_path: Path, refused: Refusals) -> None:
    start = ["train", shop.kind.task, *shop.options, "--model", shop.kind.short, "--out", tmp_path / "out"]
    key = "size" if shop.kind.translates else "name"
    assert f"model.{key} = 'enormous'" in refused(*start, *settings_of({f"model.{key}": "enormous"}))
    fields, reason = shop.kind.impossible
    assert reason in refused(*start, *settings_of({f"model.{name}": value for name, value in fields.items()}))
    negative = settings_of({f"model.{shop.kind.dropout}": -1})
    assert f"model.{shop.kind.dropout} = -1" in refused(*start, *negative)


def test_what_an_init_model_has_cannot_be_set_beside_it(
    shop: Workshop, trained: Path, tmp_path: Path, refused: Refusals
) -> None:
    start = ["train", shop.kind.task, *shop.options, "--init", trained, "--out", tmp_path / "out"]
    name = next(iter(shop.kind.small))
    said = refused(*start, *settings_of({f"model.{name}": shop.kind.small[name]}))
    assert f"model.{name} cannot be set together with init" in said
    assert "model.architecture cannot be set together with init" in refused(*start, "--model", shop.kind.short)


def test_an_init_model_takes_no_dropout_that_only_the_other_architecture_has(
    shop: Workshop, trained: Path, tmp_path: Path, refused: Refusals
) -> None:
    config: ModelConfig = api.load(trained).model.config
    others = sorted(regularisation(shop.kind.task) - config.REGULARISATION)
    assert bool(others) == (shop.kind.short in ("rnn", "cnn"))
    start = ["train", shop.kind.task, *shop.options, "--init", trained, "--out", tmp_path / "out"]
    for name in others:
        said = refused(*start, *settings_of({f"model.{name}": 0.1}))
        assert said.startswith(f"init {trained}: unknown key 'model.{name}'; ")
        assert shop.kind.dropout in said


def test_resuming_takes_no_model_and_no_other_architecture(shop: Workshop, trained: Path, refused: Refusals) -> None:
    assert "--model is for a new run" in refused("train", "--resume", "--out", trained, "--model", shop.kind.short)
    other = {"transformer": "rnn", "rnn": "transformer", "vit": "cnn', name='resnet20", "cnn": "vit"}[shop.kind.short]
    said = refused("train", "--resume", "--out", trained, "--set", f"model={{architecture='{other}'}}")
    assert "--resume goes on with the same run" in said


def test_a_damaged_model_folder(shop: Workshop, trained: Path, tmp_path: Path, refused: Refusals) -> None:
    folder = copied(trained, tmp_path / "model")
    weights = folder / "model.safetensors"
    tensors, config = load_file(weights), json.loads((folder / "config.json").read_text())
    name = next(key for key in reversed(tensors) if tensors[key].dim() == 1)

    save_file({key: tensor for key, tensor in tensors.items() if key != name}, weights)
    assert f"missing tensors ['{name}']" in refused("info", folder)
    save_file({**tensors, name: tensors[name][:-1].clone()}, weights)
    assert f"{name} is" in refused("info", folder)
    save_file({**tensors, name: tensors[name] * float("nan")}, weights)
    verb = "translate" if shop.kind.translates else "classify"
    assert f"{name} holds values that are infinite or not a number" in refused(verb, folder, *shop.question)
    weights.write_bytes(weights.read_bytes()[:-40])
    assert "damaged or not a safetensors file" in refused("info", folder)
    save_file(tensors, weights)

    for architecture in sorted({"transformer", "recurrent", "vision_transformer", "residual_network"}):
        if architecture != config["architecture"]:
            (folder / "config.json").write_text(json.dumps({**config, "architecture": architecture}))
            assert "config.json: " in refused(verb, folder, *shop.question)
    (folder / "config.json").write_text(json.dumps({**config, "architecture": "perceptron"}))
    assert "unknown architecture 'perceptron'" in refused("info", folder)
    (folder / "config.json").write_text(json.dumps(config))
    assert shop.answers(api.load(folder)) == shop.answers(api.load(trained))


def test_statistics_that_are_missing_or_misshapen_are_named(
    shop: Workshop, trained: Path, tmp_path: Path, refused: Refusals
) -> None:
    folder = copied(trained, tmp_path / "model")
    tensors = load_file(folder / "model.safetensors")
    statistics = [name for name in tensors if name.endswith("running_mean")]
    assert bool(statistics) == (shop.kind.short == "cnn")
    for name in statistics[:1]:
        save_file({key: tensor for key, tensor in tensors.items() if key != name}, folder / "model.safetensors")
        assert f"missing tensors ['{name}']" in refused("evaluate", folder, *shop.options)
        save_file({**tensors, name: tensors[name][:3].clone()}, folder / "model.safetensors")
        said = refused("evaluate", folder, *shop.options)
        assert f"does not fit config.json: {name} is (3,), expected ({len(tensors[name])},)" in said


def test_a_network_that_takes_no_rgb_is_no_classifier(shop: Workshop, tmp_path: Path, refused: Refusals) -> None:
    if shop.kind.translates:
        pytest.skip("a translator reads no pictures")
    out = ["--out", tmp_path / "run"]
    wrong = ["--model", shop.kind.short, "--set", "model.channels=4"]
    said = refused("train", "classification", *shop.options, *out, *wrong)
    assert "channels = 4: pictures are read as RGB, in 3 channels" in said
    architecture = ARCHITECTURES[shop.kind.name]
    fields = {**shop.kind.small, "channels": 2, "num_classes": 1, "image_size": [16, 16], "patch_size": 4}
    known = {name: value for name, value in fields.items() if name in architecture.config.model_fields}
    write_model_folder(
        tmp_path / "model",
        architecture.model(architecture.config.parse(known, "test")),
        task="classification",
        details={"classes": ["x"], "preprocessing": {"image_size": [16, 16]}},
        facts={},
        card="",
    )
    assert "channels = 2: pictures are read as RGB" in refused("classify", tmp_path / "model", shop.image)
