"""What a checkpoint of images does not say is assumed and said; what cannot be followed is refused by its name."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from patchword import api
from patchword.converters.imported import ImportOptions
from patchword.converters.importing import convert
from patchword.errors import CheckpointError
from tests.converters.test_settings import folders as made

folders = made  # the fixture


def edited(folder: Path, out: Path, file: str = "config.json", **changes: Any) -> Path:
    shutil.copytree(folder, out)
    values = json.loads((out / file).read_text()) | changes
    (out / file).write_text(json.dumps({key: value for key, value in values.items() if value is not None}))
    return out


@pytest.mark.parametrize("kind", ["multi_label_classification", "regression", 3])
def test_a_head_of_another_kind_is_refused_by_its_name(folders: dict[str, Path], tmp_path: Path, kind: Any) -> None:
    with pytest.raises(CheckpointError, match=f"problem_type = .*{kind}.* is not supported"):
        convert(edited(folders["vit"], tmp_path / "v", problem_type=kind))
    assert convert(edited(folders["vit"], tmp_path / "s", problem_type="single_label_classification"))


@pytest.mark.parametrize("name", ["vit", "timm"])
def test_a_head_of_one_logit_is_refused(folders: dict[str, Path], tmp_path: Path, name: str) -> None:
    folder = edited(folders[name], tmp_path / "v", id2label=None)
    tensors = load_file(folder / "model.safetensors")
    head = "head" if name == "timm" else "classifier"
    tensors |= {f"{head}.{kind}": tensors[f"{head}.{kind}"][:1].clone() for kind in ("weight", "bias")}
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match="has a head of one logit"):
        convert(folder)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("pool_include_prefix", True),
        ("norm_layer", "rmsnorm"),
        ("pos_embed", "none"),
        ("block_fn", "x" * 999),
        ("mlp_layer", "SwiGLU"),
        ("an_argument_of_tomorrow", 3),
    ],
)
def test_what_timm_would_compute_otherwise_is_refused(
    folders: dict[str, Path], tmp_path: Path, argument: str, value: Any
) -> None:
    folder = edited(folders["timm"], tmp_path / "v", model_args={"img_size": 16, "num_heads": 2, argument: value})
    with pytest.raises(CheckpointError, match=f"model_args.{argument} = .* is not supported"):
        convert(folder)


@pytest.mark.parametrize("step", ["do_flip_channel_order", "do_pad", "do_a_step_of_tomorrow", "include_top", "offset"])
def test_steps_of_processors_that_are_not_known_are_refused(
    folders: dict[str, Path], tmp_path: Path, step: str
) -> None:
    folder = edited(folders["vit"], tmp_path / "on", "preprocessor_config.json", **{step: True})
    with pytest.raises(CheckpointError, match=f"{step} = True: a step that is not known here"):
        convert(folder)
    assert convert(edited(folders["vit"], tmp_path / "off", "preprocessor_config.json", **{step: False})).notes == ()
    odd = edited(folders["vit"], tmp_path / "odd", "preprocessor_config.json", do_normalize="no")
    with pytest.raises(CheckpointError, match="do_normalize = 'no': expected true or false"):
        convert(odd)


def test_a_processor_that_was_not_downloaded_is_not_taken_for_none(folders: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(folders["vit"], tmp_path / "v")
    (tmp_path / "v" / "preprocessor_config.json").unlink()
    (tmp_path / "v" / "preprocessor_config.json").symlink_to(tmp_path / "a blob")
    with pytest.raises(CheckpointError, match=r"preprocessor_config\.json: no such file"):
        convert(tmp_path / "v")


def test_a_pooler_that_computes_something_else_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = edited(folders["vit"], tmp_path / "v", pooler_act="relu")
    assert convert(folder)  # it has none
    tensors = load_file(folder / "model.safetensors")
    width = tensors["layernorm.weight" if "layernorm.weight" in tensors else "vit.layernorm.weight"].numel()
    tensors |= {"pooler.dense.weight": torch.ones(width, width), "pooler.dense.bias": torch.ones(width)}
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match="pooler_act 'relu' is not supported"):
        convert(folder)


def test_two_poolings_that_disagree_are_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    arguments = {"img_size": 16, "num_heads": 2, "global_pool": "avg"}
    folder = edited(folders["timm"], tmp_path / "v", global_pool="token", model_args=arguments)
    with pytest.raises(CheckpointError, match=r"global_pool is token, but model_args\.global_pool avg"):
        convert(folder)


def test_preprocessing_that_is_missing_is_said(folders: dict[str, Path], tmp_path: Path) -> None:
    assert convert(folders["vit"]).notes == ()
    folder = edited(folders["vit"], tmp_path / "some", "preprocessor_config.json", image_mean=None, resample=None)
    assert convert(folder).notes == (
        "preprocessor_config.json has no resample and no image_mean: assumed the family's own",
    )
    shutil.copytree(folders["vit"], tmp_path / "none")
    (tmp_path / "none" / "preprocessor_config.json").unlink()
    assert convert(tmp_path / "none").notes == (
        "no preprocessor_config.json: assumed the defaults of the family's processor",
    )
    folder = edited(folders["timm"], tmp_path / "timm", pretrained_cfg={"input_size": [3, 16, 16], "mean": [0.5] * 3})
    assert "config.json has no crop_pct and no interpolation and no std: assumed timm's own" in convert(folder).notes


def test_preprocessing_of_another_size_than_the_weights_is_said(folders: dict[str, Path], tmp_path: Path) -> None:
    size = {"height": 32, "width": 24}
    folder = edited(folders["vit"], tmp_path / "v", "preprocessor_config.json", size=size, crop_size=size)
    assert convert(folder).notes == (
        "its preprocessing makes images of 32 x 24 pixels, its positions are for 16 x 16: they are resized",
    )
    assert convert(folder, ImportOptions(image_size=(32, 24))).notes == ()


def bare(rows: int, columns: int, prefix: int = 1) -> dict[str, Tensor]:
    """timm's names and no config: 24 patches may be 4 x 6, 3 x 8 and so on."""
    shapes: dict[str, tuple[int, ...]] = {"cls_token": (1, 1, 64), "pos_embed": (1, prefix + rows * columns, 64)}
    shapes |= {"patch_embed.proj.weight": (64, 3, 8, 8), "patch_embed.proj.bias": (64,)}
    shapes |= {
        f"{norm}.{k}": (64,) for norm in ("norm", "blocks.0.norm1", "blocks.0.norm2") for k in ("weight", "bias")
    }
    parts = {"attn.qkv": (192, 64), "attn.proj": (64, 64), "mlp.fc1": (80, 64), "mlp.fc2": (64, 80)}
    for name, shape in parts.items():
        shapes |= {f"blocks.0.{name}.weight": shape, f"blocks.0.{name}.bias": shape[:1]}
    shapes |= {"head.weight": (3, 64), "head.bias": (3,)}
    return {name: torch.randn(shape) for name, shape in shapes.items()}


@pytest.mark.parametrize("grid", [(4, 6), (6, 4), (3, 8), (2, 8), (1, 16), (4, 4)])
def test_a_size_that_fits_the_positions_exactly_is_the_native_one(tmp_path: Path, grid: tuple[int, int]) -> None:
    tensors = bare(*grid)
    save_file(tensors, tmp_path / "w.safetensors")
    found = convert(tmp_path / "w.safetensors", ImportOptions(image_size=(grid[0] * 8, grid[1] * 8)))
    assert found.config.grid == grid  # type: ignore[attr-defined]
    assert torch.equal(found.tensors["position_embedding.embedding"], tensors["pos_embed"][0])
    note = f"took the image size given as the native one: {grid[0]} x {grid[1]} patches have its positions"
    assert note in found.notes


def test_a_guess_of_a_square_is_said_and_anything_else_asked_for(tmp_path: Path) -> None:
    save_file(bare(4, 4), tmp_path / "w.safetensors")
    note = "nothing says what shape its positions have: assumed 4 x 4 patches of 32 x 32 pixels"
    for size in (None, (48, 64)):
        notes = convert(tmp_path / "w.safetensors", ImportOptions(image_size=size)).notes
        assert any(said.startswith(note) for said in notes)
    save_file(bare(2, 6), tmp_path / "v.safetensors")
    for size in (None, (32, 40), (30, 50)):
        with pytest.raises(CheckpointError, match=r"13 positions are for no square image.*give the --image-size that"):
            convert(tmp_path / "v.safetensors", ImportOptions(image_size=size))


def test_sizes_beyond_any_network_are_refused_before_positions_are_made(tmp_path: Path) -> None:
    save_file(bare(4, 4), tmp_path / "w.safetensors")
    with pytest.raises(CheckpointError, match=r"an image of 20000 x 20000 pixels; expected sides of"):
        convert(tmp_path / "w.safetensors", ImportOptions(image_size=(20000, 20000)))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["blocks.0.attn.qkv.bias", "pos_embed", "head.weight"])
def test_a_weight_that_is_no_number_is_named_as_the_checkpoint_names_it(
    tmp_path: Path, name: str, value: float
) -> None:
    tensors = bare(4, 4)
    tensors[name].view(-1)[5] = value
    save_file(tensors, tmp_path / "w.safetensors")
    with pytest.raises(
        CheckpointError, match=f"{name} holds values that are infinite, beyond float32, or not a number"
    ):
        api.import_checkpoint(tmp_path / "w.safetensors", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["w.safetensors"]


def test_a_weight_beyond_float32_is_refused(tmp_path: Path) -> None:
    tensors = {key: tensor.double() for key, tensor in bare(4, 4).items()}
    api.import_checkpoint(_saved(tmp_path / "fine.safetensors", tensors), tmp_path / "fine")
    tensors["norm.bias"][3] = 1e39
    with pytest.raises(CheckpointError, match=r"norm\.bias holds values"):
        api.import_checkpoint(_saved(tmp_path / "w.safetensors", tensors), tmp_path / "out")


def _saved(path: Path, tensors: dict[str, Tensor]) -> Path:
    save_file(tensors, path)
    return path


@pytest.mark.parametrize("layers", [10**9, 10**5, 999])
def test_layers_that_no_tensor_is_for_are_refused_at_once(
    folders: dict[str, Path], tmp_path: Path, layers: int
) -> None:
    with pytest.raises(CheckpointError, match=r"too few for the 999 layers|num_layers = "):
        convert(edited(folders["vit"], tmp_path / "v", num_hidden_layers=layers))
    with pytest.raises(
        CheckpointError, match=r"too few for the 1,?\d* layers|too few for the 1000 layers|encoder_layers = "
    ):
        convert(edited(folders["marian"], tmp_path / "m", encoder_layers=layers))
