"""Published models by name, through huggingface_hub itself, from a hub on the loopback."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import patchword
from patchword import api
from patchword.cli.main import app
from patchword.errors import CheckpointError, ModelFolderError
from patchword.images.classifier import ImageClassifier
from patchword.images.transforms import Preprocessing
from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import VisionTransformerConfig
from patchword.recipes import new_recipe
from patchword.training.events import Note
from tests.converters.local_hub import LocalHub, running

constants: Any = pytest.importorskip("huggingface_hub.constants")
NAME = "hf:somebody/tiny-vit"


def checkpoint(folder: Path, seed: int) -> Path:
    """A small ViT as transformers saves one."""
    torch.manual_seed(seed)
    sizes = {"d_model": 16, "num_layers": 1, "num_heads": 2, "d_ff": 16, "patch_size": 4, "image_size": (8, 8)}
    model = VisionTransformer(VisionTransformerConfig.parse({**sizes, "num_classes": 3}, "test"))
    torch.nn.init.normal_(model.head.linear.weight)
    ours = ImageClassifier(model, Preprocessing(image_size=(8, 8), resize="squash"), ("a", "b", "c"))
    api.export(ours, folder, "hf")
    return folder


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    """With two revisions of a model; the client's cache and ours are empty."""
    hub = LocalHub()
    first, second = checkpoint(tmp_path / "first", 1), checkpoint(tmp_path / "second", 2)
    hub.repositories["somebody/tiny-vit"] = {"main": second, "v1": first}
    monkeypatch.setenv("PATCHWORD_CACHE", str(tmp_path / "cache"))
    with running(hub) as address:
        monkeypatch.setattr(constants, "ENDPOINT", address)
        template = address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        yield hub


@pytest.fixture
def image() -> Image.Image:
    return Image.radial_gradient("L").resize((8, 8)).convert("RGB")


def kept(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_the_first_call_fetches_and_later_ones_need_no_network(
    hub: LocalHub, image: Image.Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first: Any = patchword.load(NAME)
    asked = len(hub.asked)
    assert asked > 0
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "nothing"))
    second: Any = patchword.load(NAME)
    assert len(hub.asked) == asked
    assert second.classify(image) == first.classify(image)
    wanted: Any = api.import_checkpoint(hub.repositories["somebody/tiny-vit"]["main"], tmp_path / "direct")
    assert wanted.kind
    direct: Any = patchword.load(tmp_path / "direct")
    assert direct.classify(image) == first.classify(image)
    assert first.facts["revision"] == hub.commit(hub.repositories["somebody/tiny-vit"]["main"])


def test_a_revision_is_that_one_whatever_is_newest(hub: LocalHub, image: Image.Image, tmp_path: Path) -> None:
    newest, pinned = patchword.load(NAME), patchword.load(f"{NAME}@v1")
    assert newest.classify(image) != pinned.classify(image)
    hub.repositories["somebody/tiny-vit"]["main"] = checkpoint(tmp_path / "third", 3)
    again: Any = patchword.load(NAME)
    assert again.classify(image) == newest.classify(image)
    commit = hub.commit(hub.repositories["somebody/tiny-vit"]["main"])
    third: Any = patchword.load(f"{NAME}@{commit}")
    assert third.facts["revision"] == commit
    assert third.classify(image) not in (newest.classify(image), pinned.classify(image))


def test_a_broken_transfer_leaves_nothing_and_the_next_one_is_whole(
    hub: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.breaks = True
    monkeypatch.setattr("time.sleep", lambda _: None)  # between the client's attempts
    with pytest.raises(CheckpointError, match=f"^{NAME}: (the hub cannot be reached|fetching it failed)"):
        patchword.load(NAME)
    assert kept(tmp_path / "cache") == []
    hub.breaks = False
    assert patchword.load(NAME).classes == ("a", "b", "c")
    assert kept(tmp_path / "cache") == ["somebody--tiny-vit"]


def test_without_a_network_one_sentence_says_what_to_do(hub: LocalHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(CheckpointError) as caught:
        patchword.load(NAME)
    assert str(caught.value).startswith(f"{NAME}: the hub cannot be reached (")
    assert str(caught.value).endswith("give the path of a downloaded folder instead")


@pytest.mark.parametrize("name", ["hf:somebody/else", f"{NAME}@v9"])
def test_what_the_hub_does_not_have_is_said(hub: LocalHub, name: str) -> None:
    with pytest.raises(CheckpointError, match="the hub has no such repository or revision, or it is private"):
        patchword.load(name)


@pytest.mark.parametrize("name", ["hf:vit", "hf:a/b/c", "hf:../x", "hf:a/b@../c", "hf:", "hf:a/b@", "hf:a\x00/b"])
def test_names_that_are_none_are_refused_before_anything_is_asked(hub: LocalHub, name: str) -> None:
    with pytest.raises(CheckpointError, match="expected hf:OWNER/NAME"):
        patchword.load(name)
    assert hub.asked == []


def test_verbs_take_the_name_and_training_starts_from_it(hub: LocalHub, photos: Path, tmp_path: Path) -> None:
    picture, run = next((photos / "red").iterdir()), str(tmp_path / "run")
    for command in (
        ["classify", NAME, str(picture)],
        ["info", NAME],
        ["export", NAME, str(tmp_path / "out"), "--to", "hf"],
        [
            "train",
            "classification",
            "--data",
            str(photos),
            "--init",
            NAME,
            "--max-steps",
            "2",
            "--out",
            run,
        ],
    ):
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 0, (command, done.output, done.exception)
    assert len([path for path in hub.asked if path.endswith("model.safetensors") and "resolve" in path]) <= 2


def test_models_are_listed_and_removed(hub: LocalHub, tmp_path: Path) -> None:
    patchword.load(NAME)
    patchword.load(f"{NAME}@v1")
    listed = CliRunner().invoke(app, ["models"]).output
    assert [line.split()[0] for line in listed.splitlines()] == [NAME, f"{NAME}@v1"]
    done = CliRunner().invoke(app, ["models", "--remove", NAME])
    assert done.exit_code == 0
    assert kept(tmp_path / "cache") == ["somebody--tiny-vit@v1"]
    with pytest.raises(CheckpointError, match="is not on this machine; did you mean"):
        CliRunner().invoke(app, ["models", "--remove", NAME], catch_exceptions=False)


def test_what_was_probably_meant_is_said(hub: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelFolderError, match="no such model folder; a published model is named hf:somebody/tiny-vit"):
        patchword.load("somebody/tiny-vit")
    foreign = hub.repositories["somebody/tiny-vit"]["main"]
    for path in (foreign, foreign / "model.safetensors"):
        with pytest.raises(
            ModelFolderError, match=f"another library's checkpoint; make it a model: patchword import {path}"
        ):
            patchword.load(path)


def test_a_name_is_a_published_one_only_where_no_such_folder_is(hub: LocalHub, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    with pytest.raises(ModelFolderError) as caught:
        patchword.load(tmp_path / "runs" / "en-dee")
    assert "hf:" not in str(caught.value)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        with pytest.raises(ModelFolderError) as caught:
            patchword.load("runs/en-dee")
    assert "hf:" not in str(caught.value)


def test_a_whole_recipe_starts_from_a_published_model(hub: LocalHub, photos: Path, tmp_path: Path) -> None:
    said: list[str] = []

    def listen(event: Any) -> None:
        if isinstance(event, Note):
            said.append(event.text)

    recipe, _ = new_recipe("classification", [photos], options={"max_steps": 1, "threads": 1, "image_size": 8})
    whole = recipe.model_copy(update={"init": NAME, "model": type(recipe.model)()})
    done = patchword.train(whole, tmp_path / "run", listener=listen, show=False)
    assert any(f"fetching {NAME}" in sentence for sentence in said)
    classifier: Any = patchword.load(done.model)
    assert classifier.model.config.d_model == 16
    said.clear()
    options = {"max_steps": 1, "threads": 1, "init": f"{NAME}@v1"}
    patchword.train("classification", tmp_path / "again", data=photos, listener=listen, show=False, **options)
    assert any(f"fetching {NAME}@v1" in sentence for sentence in said)


def test_weights_of_other_libraries_beside_ours_are_not_wanted_without_a_network(
    hub: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = hub.repositories["somebody/tiny-vit"]["main"]
    (folder / "tf_model.h5").write_bytes(b"not wanted")
    patchword.import_checkpoint(NAME, tmp_path / "one")
    assert not any(path.endswith("tf_model.h5") for path in hub.asked)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    patchword.import_checkpoint(NAME, tmp_path / "two")
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "two")]
    assert weights[0] == weights[1]


def test_what_a_killed_import_left_is_not_listed(hub: LocalHub, tmp_path: Path) -> None:
    patchword.load(NAME)
    half = tmp_path / "cache" / ".somebody--tiny-vit@v1.tmp"
    half.mkdir()
    (half / "config.json").write_text("{}")
    assert [model.name for model in api.published_models()] == [NAME]


def test_export_computes_on_the_processor_whatever_auto_is(
    hub: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def device(name: str) -> torch.device:
        return torch.device("meta" if name == "auto" else name)

    monkeypatch.setattr("patchword.system.find_device", device)
    assert patchword.load(NAME).network.device.type == "meta"  # as it would be on an accelerator
    patchword.load(NAME)
    api.export(NAME, tmp_path / "out", "hf")
    assert (tmp_path / "out" / "model.safetensors").stat().st_size > 1000
