from pathlib import Path

import pytest
import torch

from patchword.converters.imported import count_layers, distinct, fill
from patchword.converters.tables import batch_of_one, converted_back, lookup, patches, same, stacked, token
from patchword.converters.vit.hugging_face import VERSION_4, VERSION_5
from patchword.errors import CheckpointError
from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import VisionTransformerConfig


def config() -> VisionTransformerConfig:
    sizes = {"d_model": 8, "num_heads": 2, "d_ff": 12, "num_layers": 2}
    return VisionTransformerConfig.model_validate({"num_classes": 3, "image_size": (8, 12), "patch_size": 4, **sizes})


TABLE = {**VERSION_4, "head.linear.*": same("classifier.*")}


def weights() -> dict[str, torch.Tensor]:
    return {name: torch.randn_like(p.detach()) for name, p in VisionTransformer(config()).named_parameters()}


@pytest.mark.parametrize("version", [VERSION_4, VERSION_5])
def test_a_table_read_backwards_and_forwards_changes_no_bit(version) -> None:
    table = {**version, "head.linear.*": same("classifier.*")}
    ours = weights()
    theirs = converted_back(table, ours)
    back = fill(Path("theirs"), "vision_transformer", config(), table, theirs)
    assert back.keys() == ours.keys()
    assert all(torch.equal(back[name], ours[name]) for name in ours)
    for name, parts in zip(back, back.pieces(), strict=True):
        assert torch.equal(torch.cat([part.flatten() for part in parts]), ours[name].flatten()), name


def test_a_name_is_found_with_its_layer_and_kind() -> None:
    table = {"a.{i}.b.*": stacked("x.{i}.q.*", "x.{i}.k.*"), "a.{i}.c": same("y.{i}")}
    found = lookup(table, "a.11.b.bias")
    assert found is not None
    assert found[0] == ("x.11.q.bias", "x.11.k.bias")
    assert lookup(table, "a.3.c")[0] == ("y.3",)
    assert lookup(table, "a.x.c") is None
    assert lookup(table, "a.3.c.weight") is None


def test_missing_and_unexpected_tensors_are_listed_and_long_lists_are_cut() -> None:
    theirs = converted_back(TABLE, weights())
    del theirs["layernorm.bias"]
    with pytest.raises(CheckpointError) as caught:
        fill(Path("f"), "vision_transformer", config(), TABLE, {**theirs, "extra": torch.zeros(1)})
    assert str(caught.value) == (
        "f: is not the network that it should be: missing tensors [layernorm.bias]; unexpected tensors [extra]"
    )
    head = {name: tensor for name, tensor in theirs.items() if name.startswith("classifier")}
    with pytest.raises(CheckpointError, match=r"and 30 more\]$"):
        fill(Path("f"), "vision_transformer", config(), TABLE, head)
    with pytest.raises(CheckpointError, match="has 1 tensors, too few for the 2 layers of its config"):
        fill(Path("f"), "vision_transformer", config(), TABLE, {"a": torch.zeros(1)})


def test_only_what_is_on_the_ignore_list_may_be_left_over() -> None:
    theirs = converted_back(TABLE, weights())
    extra = {"mask": torch.zeros(1), "teacher.a": torch.zeros(1), "teachers": torch.zeros(1)}
    with pytest.raises(CheckpointError, match=r"unexpected tensors \[teachers\]"):
        fill(Path("f"), "vision_transformer", config(), TABLE, {**theirs, **extra}, ["mask", "teacher."])


@pytest.mark.parametrize(
    ("name", "tensor"),
    [
        ("layernorm.bias", torch.zeros(9)),
        ("encoder.layer.1.attention.attention.key.weight", torch.zeros(8, 9)),
        ("embeddings.cls_token", torch.zeros(1, 2, 8)),
        ("embeddings.position_embeddings", torch.zeros(2, 7, 8)),
        ("embeddings.patch_embeddings.projection.weight", torch.zeros(8, 3, 4, 5)),
    ],
)
def test_a_tensor_of_a_wrong_shape_is_named_with_what_it_should_make(name, tensor) -> None:
    tensors = fill(Path("f"), "vision_transformer", config(), TABLE, {**converted_back(TABLE, weights()), name: tensor})
    with pytest.raises(CheckpointError) as caught:
        list(tensors.pieces())
    assert f"{name} is {tuple(tensor.shape)} of {tensor.dtype}" in str(caught.value)
    assert "which does not make" in str(caught.value)


@pytest.mark.parametrize("dtype", [torch.long, torch.bool, torch.complex64, torch.float8_e4m3fn])
def test_a_tensor_of_a_type_that_weights_do_not_have_is_named(dtype) -> None:
    theirs = {**converted_back(TABLE, weights()), "classifier.weight": torch.zeros(3, 8).to(dtype)}
    with pytest.raises(CheckpointError, match=r"f: classifier.weight is of type \w+; expected one of float64, float32"):
        fill(Path("f"), "vision_transformer", config(), TABLE, theirs)


def test_layouts_undo_themselves() -> None:
    for row, ours in (
        (token("t"), torch.randn(5)),
        (batch_of_one("t"), torch.randn(4, 5)),
        (patches("t", channels=2), torch.randn(5, 2 * 9)),
        (stacked("q", "k"), torch.randn(6, 5)),
    ):
        assert row.to_theirs is not None
        assert torch.equal(row.to_ours(row.to_theirs(ours), ours.shape), ours)
    assert patches("t", channels=2).to_theirs(torch.randn(5, 18))[0].shape == (5, 2, 3, 3)


def test_layers_are_counted_and_names_made_distinct() -> None:
    assert count_layers(["blocks.0.a", "blocks.11.b", "head"], "blocks.") == 12
    assert count_layers(["Transformer/encoderblock_2/x"], "Transformer/encoderblock_") == 3
    assert count_layers(["head"], "blocks.") == 0
    assert distinct(["crane", "cat", "crane"]) == ["crane", "cat", "crane (2)"]
