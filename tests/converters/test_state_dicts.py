"""Weights in common wrappers: found, and what was chosen is said."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from patchword import api
from patchword.converters.imported import ImportOptions
from patchword.converters.importing import convert
from patchword.converters.state_dicts import Weights, unwrapped
from patchword.errors import CheckpointError


@pytest.fixture
def weights() -> dict[str, Tensor]:
    """A ViT of two layers and three classes under timm's names."""
    shapes: dict[str, tuple[int, ...]] = {"cls_token": (1, 1, 64), "pos_embed": (1, 5, 64)}
    shapes |= {"patch_embed.proj.weight": (64, 3, 8, 8), "patch_embed.proj.bias": (64,)}
    shapes |= {f"{name}.{kind}": (64,) for name in ("norm",) for kind in ("weight", "bias")}
    for i in range(2):
        block = f"blocks.{i}"
        shapes |= {f"{block}.{norm}.{kind}": (64,) for norm in ("norm1", "norm2") for kind in ("weight", "bias")}
        for name, (rows, columns) in {
            "attn.qkv": (192, 64), "attn.proj": (64, 64), "mlp.fc1": (80, 64), "mlp.fc2": (64, 80),
        }.items():  # fmt: skip
            shapes |= {f"{block}.{name}.weight": (rows, columns), f"{block}.{name}.bias": (rows,)}
    shapes |= {"head.weight": (3, 64), "head.bias": (3,)}
    return {name: torch.randn(shape) for name, shape in shapes.items()}


def under(prefix: str, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}{name}": tensor for name, tensor in weights.items()}


def other(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor + 1 for name, tensor in weights.items()}


def imported(path: Path, values: Any, **options: Any) -> tuple[Tensor, tuple[str, ...]]:
    """The head's bias, which tells whose weights they are, and the notes."""
    save_file(values, path) if path.suffix == ".safetensors" else torch.save(values, path)
    found = convert(path, ImportOptions(**options))
    assert found.details.as_dict()["classes"] == ["0", "1", "2"]
    return found.tensors["head.linear.bias"], found.notes


@pytest.mark.parametrize(
    "prefix", ["module.", "_orig_mod.", "model.", "module._orig_mod.", "model._orig_mod.module.", "net.vit.", "a.b."]
)
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_what_wrappers_put_before_the_names_is_taken_off(
    tmp_path: Path, weights: dict[str, Tensor], prefix: str, suffix: str
) -> None:
    bias, _ = imported(tmp_path / f"w{suffix}", under(prefix, weights))
    assert torch.equal(bias, weights["head.bias"])


@pytest.mark.parametrize("name", ["w.ckpt", "w.tar", "w.pth.tar", "W.PTH", "w.Bin", "w.pkl"])
def test_files_are_read_whatever_scripts_call_them(tmp_path: Path, weights: dict[str, Tensor], name: str) -> None:
    bias, _ = imported(tmp_path / name, {"state_dict": under("model.", weights), "epoch": 1})
    assert torch.equal(bias, weights["head.bias"])
    api.import_checkpoint(tmp_path / name, tmp_path / "by file")
    api.import_checkpoint(tmp_path, tmp_path / "by file" / "by folder")


@pytest.mark.parametrize(
    "key", ["state_dict", "model", "model_state_dict", "net", "weights", "model_ema", "teacher", "what_i_call_it"]
)
def test_weights_under_any_one_key_are_found(tmp_path: Path, weights: dict[str, Tensor], key: str) -> None:
    bias, _ = imported(tmp_path / "w.pth", {key: weights, "epoch": 1, "optimizer": {"state": {}}})
    assert torch.equal(bias, weights["head.bias"])


@pytest.mark.parametrize(
    ("plain", "averaged"),
    [
        ("state_dict", "state_dict_ema"),
        ("model", "model_ema"),
        ("model", "ema"),
        ("student", "teacher"),
        ("model", "ema_weights"),
        ("params", "params_ema"),
        ("state_dict", "swaState"),
        ("net", "averaged_model"),
        ("model", "EMA"),
    ],
)
def test_averaged_weights_beside_plain_ones_are_taken_and_it_is_said(
    tmp_path: Path, weights: dict[str, Tensor], plain: str, averaged: str
) -> None:
    values = {plain: weights, averaged: other(weights)}
    bias, notes = imported(tmp_path / "w.pth", values)
    assert torch.equal(bias, weights["head.bias"] + 1)
    assert notes[0] == (f"holds {averaged!r} and {plain!r}: took {averaged!r}; give --weights {plain} for the other")
    bias, notes = imported(tmp_path / "w.pth", values, weights=plain)
    assert torch.equal(bias, weights["head.bias"])
    assert not any("took" in note for note in notes)


def test_averaged_weights_among_the_names_are_taken_and_it_is_said(tmp_path: Path, weights: dict[str, Tensor]) -> None:
    for plain, averaged in (
        ("model.", "model_ema.module."),
        ("", "ema."),
        ("net.", "net_avg."),
        ("m.", "swa_m.module."),
    ):
        values = {"state_dict": under(plain, weights) | under(averaged, other(weights))}
        bias, notes = imported(tmp_path / "w.ckpt", values)
        assert torch.equal(bias, weights["head.bias"] + 1)
        assert notes[0].startswith(f"holds 2 networks: took the one under {averaged!r}")
    values = {"state_dict": under("model.", weights) | under("model_ema.module.", other(weights))}
    bias, notes = imported(tmp_path / "w.ckpt", values, weights="model")
    assert torch.equal(bias, weights["head.bias"])


def test_what_stands_beside_the_network_is_said(tmp_path: Path, weights: dict[str, Tensor]) -> None:
    values = under("model.", weights) | {"criterion.weight": torch.ones(3), "n_averaged": torch.tensor(3)}
    _, notes = imported(tmp_path / "w.ckpt", {"state_dict": values})
    assert notes[0] == (
        "took what is under 'model.'; left out 2 tensors beside it, such as criterion.weight, n_averaged"
    )


def test_several_networks_are_asked_about(tmp_path: Path, weights: dict[str, Tensor]) -> None:
    for values in (
        under("encoder_q.", weights) | under("encoder_k.", weights),
        {"encoder_q": weights, "encoder_k": weights},
    ):
        torch.save(values, tmp_path / "w.pth")
        with pytest.raises(CheckpointError, match="give --weights, one of encoder_") as caught:
            convert(tmp_path / "w.pth")
        assert "\n" not in str(caught.value)
        assert convert(tmp_path / "w.pth", ImportOptions(weights="encoder_k")).details.as_dict()["classes"]
        with pytest.raises(CheckpointError, match=r"--weights 'ema'|no weights have that name|several"):
            convert(tmp_path / "w.pth", ImportOptions(weights="ema"))


def test_another_set_of_weights_is_never_passed_over_in_silence(tmp_path: Path, weights: dict[str, Tensor]) -> None:
    values = {"state_dict": weights, "current_model_state": other(weights), "optimizer": {"state": {}}}
    bias, notes = imported(tmp_path / "w.ckpt", values)
    assert torch.equal(bias, weights["head.bias"])
    assert notes[0] == (
        "holds 'state_dict' and 'current_model_state': took 'state_dict'; give --weights current_model_state for the "
        "other"
    )
    bias, _ = imported(tmp_path / "w.ckpt", values, weights="current_model_state")
    assert torch.equal(bias, weights["head.bias"] + 1)
    _, notes = imported(tmp_path / "w.pth", {"model": weights, "ema": {"shadow_params": list(weights.values())}})
    assert notes[0] == "holds 'ema', whose weights have no names: they are left out"


def test_a_name_that_no_weights_have_is_answered_with_those_that_there_are(
    tmp_path: Path, weights: dict[str, Tensor]
) -> None:
    for values, hint in (
        ({"model": weights, "model_ema": weights}, "did you mean 'model_ema'?"),
        (weights, "the file has one set, which has none"),
    ):
        torch.save(values, tmp_path / "w.pth")
        with pytest.raises(CheckpointError) as caught:
            convert(tmp_path / "w.pth", ImportOptions(weights="model_emaa"))
        assert str(caught.value).endswith(f"--weights 'model_emaa': no weights have that name; {hint}")


def test_mappings_that_hold_themselves_or_one_another_have_an_end(tmp_path: Path, weights: dict[str, Tensor]) -> None:
    itself: dict[str, Any] = {"epoch": 3}
    itself["self"] = itself
    tensors: dict[str, Any] = {"w": torch.ones(1)}
    tensors["model"] = tensors
    many: dict[str, Any] = {"epoch": 3}
    for _ in range(12):
        many = {str(number): many for number in range(100)}
    for values in (itself, tensors, many):
        torch.save(values, tmp_path / "w.pth")
        with pytest.raises(CheckpointError, match="is no tensor; expected a state dict"):
            convert(tmp_path / "w.pth")
    itself["state_dict"] = weights
    bias, _ = imported(tmp_path / "w.pth", itself)
    assert torch.equal(bias, weights["head.bias"])


@pytest.mark.parametrize(
    "names", [{"a": 0, "c": 2, "b": 1}, {0: "a", 1: "b", 2: "c"}, ["a", "b", "c"], ("a", "b", "c")]
)
@pytest.mark.parametrize("key", ["class_to_idx", "idx_to_class", "classes"])
def test_names_of_classes_beside_the_weights_are_taken(
    tmp_path: Path, weights: dict[str, Tensor], key: str, names: Any
) -> None:
    for values in ({key: names}, {"hyper_parameters": {key: names}}):
        torch.save({"state_dict": weights, **values}, tmp_path / "w.pth")
        assert convert(tmp_path / "w.pth").details.as_dict()["classes"] == ["a", "b", "c"]
        given = convert(tmp_path / "w.pth", ImportOptions(classes=("x", "y", "z")))
        assert given.details.as_dict()["classes"] == ["x", "y", "z"]


@pytest.mark.parametrize("names", [["a", "b", "c", "d"], {"a": 1.5}, [None] * 3, ["\ud800", "b", "c"]])
def test_names_that_do_not_fit_are_left_out_and_it_is_said(
    tmp_path: Path, weights: dict[str, Tensor], names: Any
) -> None:
    _, notes = imported(tmp_path / "w.pth", {"model": weights, "class_to_idx": names})
    assert notes[-1] == "holds 'class_to_idx', which is left out: it does not name 3 classes"


def test_the_librarys_own_prefix_is_told_from_a_wrappers_of_the_same_name() -> None:
    names = ("embeddings.patch_embeddings.projection.weight", "embeddings.cls_token")
    for prefix, kept in (("vit.vit.", "vit."), ("vit.", "vit."), ("model.vit.", "vit."), ("module.", "")):
        tensors = {f"{prefix}{name}": torch.ones(1) for name in names}
        assert list(unwrapped(Path("w"), Weights(tensors, [])).tensors) == [f"{kept}{name}" for name in names]


def test_a_note_repeats_no_more_of_a_name_than_is_readable(tmp_path: Path, weights: dict[str, Tensor]) -> None:
    long = "x" * 100_000
    for values in (
        {"model": weights, f"ema_{long}": weights},
        under(f"{long}.", weights) | {long: torch.ones(1)},
        under("model.", weights) | under(f"ema_{long}.", weights),
    ):
        _, notes = imported(tmp_path / "w.pth", values)
        assert all(len(note) < 1200 for note in notes)
