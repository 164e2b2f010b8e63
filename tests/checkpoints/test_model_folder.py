import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from patchword.checkpoints.description import FORMAT_VERSION, model_path
from patchword.checkpoints.model_folder import read_description, read_model, write_model_folder
from patchword.errors import ModelFolderError
from patchword.files import replacing
from patchword.models.transformer import Transformer, TransformerConfig
from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import VisionTransformerConfig

DETAILS = {"languages": ["de", "en"], "note": "grüße"}


def transformer(**changes: object) -> Transformer:
    fields = {"source_vocab_size": 11, "target_vocab_size": 11, "d_model": 8, "num_heads": 2, "d_ff": 12}
    fields |= {"encoder_layers": 1, "decoder_layers": 1}
    return Transformer(TransformerConfig.model_validate(fields | changes))


def vision_transformer() -> VisionTransformer:
    fields = {"num_classes": 3, "image_size": (8, 12), "patch_size": 4, "d_model": 8, "num_heads": 2, "d_ff": 12}
    fields |= {"num_layers": 1, "register_tokens": 2, "layer_scale": 0.1, "head_hidden": 5}
    return VisionTransformer(VisionTransformerConfig.model_validate(fields))


def write(path: Path, model: nn.Module, task: str = "translation") -> None:
    write_model_folder(
        path,
        model,
        task=task,
        details=DETAILS,
        facts={"bleu": 31.25},
        card="# A model\n",
        files={"vocabulary.model": b"\x00\x01"},
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "model", transformer())
    return tmp_path / "model"


def edit_description(folder: Path, **changes: object) -> None:
    values = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(values | changes), encoding="utf-8")


def edit_weights(folder: Path, changes: dict[str, torch.Tensor | None]) -> None:
    tensors = load_file(folder / "model.safetensors") | changes
    save_file({name: tensor for name, tensor in tensors.items() if tensor is not None}, folder / "model.safetensors")


def refusal(folder: Path, task: str | None = None) -> str:
    """What reading the folder is refused with: one line, whose beginning is the folder's path."""
    with pytest.raises(ModelFolderError) as caught:
        read_model(folder, read_description(folder, task))
    text = str(caught.value)
    assert text.startswith(str(folder))
    assert "\n" not in text
    return text.removeprefix(str(folder)).removeprefix(": ")


@pytest.mark.parametrize(
    "made",
    [
        transformer,
        lambda: transformer(share_embeddings=False, source_vocab_size=9),
        lambda: transformer(share_embeddings=False, tie_output=False, output_bias=True, positions="learned"),
        vision_transformer,
    ],
    ids=["shared", "tied", "untied", "vision_transformer"],
)
def test_a_model_reads_back_bit_for_bit(tmp_path, made):
    model = made()
    for weight in model.parameters():
        nn.init.normal_(weight)
    write(tmp_path / "model", model)
    read = read_model(tmp_path / "model", read_description(tmp_path / "model"))
    assert type(read) is type(model)
    assert read.config == model.config
    assert not read.training
    assert {name for name, _ in read.named_parameters()} == {name for name, _ in model.named_parameters()}
    read_state = read.state_dict()
    for name, tensor in model.state_dict().items():
        assert torch.equal(read_state[name], tensor), name


def test_a_description_reads_back_whole(folder):
    description = read_description(folder, "translation")
    assert description.format_version == FORMAT_VERSION
    assert description.architecture == "transformer"
    assert description.details == DETAILS
    assert description.facts == {"bleu": 31.25}
    assert (folder / "README.md").read_text(encoding="utf-8") == "# A model\n"
    assert (folder / "vocabulary.model").read_bytes() == b"\x00\x01"


def test_a_folder_has_nothing_beside_its_files(folder):
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["README.md", "config.json", "model.safetensors", "vocabulary.model"]


def test_tied_weights_are_stored_once_and_stay_tied(folder):
    names = set(load_file(folder / "model.safetensors"))
    assert "source_embedding.weight" in names
    assert not names & {"target_embedding.weight", "output.weight"}
    read = read_model(folder, read_description(folder))
    assert read.source_embedding.weight is read.target_embedding.weight is read.output.weight


def test_a_second_write_replaces_the_first(folder):
    model = transformer(d_ff=20)
    write(folder, model)
    read = read_model(folder, read_description(folder))
    assert torch.equal(
        read.encoder.layers[0].feed_forward.inner.weight, model.encoder.layers[0].feed_forward.inner.weight
    )


def test_a_run_folder_stands_for_its_best(tmp_path):
    write(tmp_path / "run" / "best", transformer())
    assert model_path(tmp_path / "run") == tmp_path / "run" / "best"
    assert read_model(tmp_path / "run", read_description(tmp_path / "run")).config == transformer().config


def test_a_run_without_a_best_model_says_so(tmp_path):
    (tmp_path / "recipe.toml").write_text("")
    assert "has not been validated yet" in refusal(tmp_path)


def test_a_missing_folder_is_refused(tmp_path):
    assert refusal(tmp_path / "none") == "no such model folder"


def test_a_file_is_refused(folder):
    problem = refusal(folder / "model.safetensors")
    assert problem == "is a file; a model is a folder with config.json and model.safetensors"


def test_a_folder_without_a_description_is_refused(tmp_path):
    assert refusal(tmp_path) == "not a model folder: it has no config.json"


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe"])
def test_a_description_that_is_no_json_is_refused(folder, content):
    (folder / "config.json").write_bytes(content)
    assert refusal(folder).startswith("config.json cannot be read as JSON: ")


@pytest.mark.parametrize("content", ["[]", "3", "null", '"text"'])
def test_json_that_is_no_object_is_refused(folder, content):
    (folder / "config.json").write_text(content)
    assert refusal(folder).startswith("config.json: input should be a valid dictionary")


def test_a_newer_format_is_refused_even_if_it_has_other_fields(folder):
    edit_description(folder, format_version=FORMAT_VERSION + 1, quantisation="int8")
    assert refusal(folder) == f"format version {FORMAT_VERSION + 1} is newer than this program's, {FORMAT_VERSION}"


def test_an_unknown_field_is_refused_with_the_nearest(folder):
    edit_description(folder, detials={})
    assert refusal(folder) == "config.json: unknown key 'detials'; did you mean 'details'?"


def test_an_unknown_architecture_is_refused_with_the_nearest(folder):
    edit_description(folder, architecture="transfromer")
    assert refusal(folder) == "config.json: unknown architecture 'transfromer'; did you mean 'transformer'?"


def test_a_model_for_another_task_is_refused(folder):
    assert refusal(folder, "classification") == "holds a model for translation, but classification was asked for"


def test_a_model_config_that_contradicts_itself_is_refused(folder):
    edit_description(folder, model=transformer().config.model_dump() | {"num_heads": 3})
    assert refusal(folder) == "config.json: d_model 8 is not a multiple of num_heads 3"


def test_missing_weights_are_refused(folder):
    (folder / "model.safetensors").unlink()
    assert refusal(folder) == "model.safetensors is missing"


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_truncated_weights_are_refused(folder, kept):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:kept])
    assert refusal(folder).startswith("/model.safetensors: damaged or not a safetensors file: ")


def test_a_pickle_is_refused_unopened(folder):
    torch.save(transformer().state_dict(), folder / "model.safetensors")
    assert "damaged or not a safetensors file" in refusal(folder)


def test_a_tensor_of_another_shape_is_refused(folder):
    edit_weights(folder, {"encoder.layers.0.feed_forward.inner.weight": torch.zeros(13, 8)})
    assert refusal(folder) == (
        "/model.safetensors: does not fit config.json: "
        "encoder.layers.0.feed_forward.inner.weight is (13, 8), expected (12, 8)"
    )


def test_missing_and_unexpected_tensors_are_named(folder):
    edit_weights(folder, {"source_embedding.weight": None, "head.weight": torch.zeros(2)})
    assert refusal(folder) == (
        "/model.safetensors: does not fit config.json: "
        "missing tensors ['source_embedding.weight'], unexpected tensors ['head.weight']"
    )


def test_only_a_registered_architecture_can_be_written(tmp_path):
    with pytest.raises(ValueError, match="Linear is not a registered architecture"):
        write(tmp_path / "model", nn.Linear(2, 2))
    assert not (tmp_path / "model").exists()


def test_what_a_killed_process_was_writing_is_cleaned_when_the_folder_is_written_again(folder: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    before = sorted(folder.iterdir())
    for name in ("model.safetensors", "vocabulary.model", "config.json"):
        with replacing(folder / name, keep=False) as temporary:
            temporary.with_name(temporary.name.replace(f".{os.getpid()}-", f".{ended.pid}-")).write_bytes(b"half")
    assert len(list(folder.iterdir())) == len(before) + 3
    write(folder, transformer())
    assert sorted(folder.iterdir()) == before
