from pathlib import Path
from typing import Any

import pytest
import torch

from patchword.checkpoints.model_folder import read_description, read_model, write_model_folder
from patchword.errors import RecipeError
from patchword.models.residual_network import ResidualNetwork
from patchword.models.residual_network_config import ResidualNetworkConfig
from patchword.models.tensors import named_tensors
from patchword.training.freezing import freeze, train_mode
from tests.converters.resnet.reference import randomise
from tests.forked import python

ROOT = Path(__file__).parents[2]
IMAGES = torch.randn(3, 3, 32, 40)
SMALL = {"depths": (1, 2), "widths": (16, 32), "stem_width": 8}


def residual_network(name: str = "resnet18", **changes: Any) -> ResidualNetwork:
    """Weights and statistics that no initialisation gives, in evaluation mode."""
    fields = {"num_classes": 5, **SMALL, **changes}
    model: ResidualNetwork = randomise(ResidualNetwork(ResidualNetworkConfig.named(name, **fields)))
    return model


def statistics(model: ResidualNetwork) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in named_tensors(model).items() if "running" in name}


def test_logits_have_a_column_for_each_class_at_any_size():
    model = residual_network()
    for size in ((32, 40), (64, 33)):
        assert model(torch.randn(2, 3, *size)).shape == (2, 5)


def test_the_representation_is_the_mean_of_the_last_maps():
    model = residual_network("resnet50")
    maps = model.encode(IMAGES)
    assert maps.shape == (3, 32, 4, 5)
    torch.testing.assert_close(model.features(IMAGES), maps.mean((2, 3)))
    torch.testing.assert_close(model(IMAGES), model.head(maps.mean((2, 3))))


def test_a_cifar_network_reads_small_images():
    model = residual_network("resnet20", depths=(1, 1, 1), widths=(8, 16, 16))
    assert model.encode(torch.randn(2, 3, 32, 32)).shape == (2, 16, 8, 8)
    assert model.config.reduction == 4


def test_without_classes_it_gives_features_and_no_class_activation():
    model = residual_network(num_classes=0)
    assert model(IMAGES).shape == (3, 32)
    assert model.evidence(IMAGES) == {}


def test_the_class_activation_is_grad_cams_formula():
    """Equations 1 and 2 of Selvaraju et al. 2017, with the gradients that autograd finds."""
    model = residual_network()
    model.head.linear.weight.data -= 0.1  # so that some places speak against the class
    maps = model.encode(IMAGES).detach().requires_grad_()
    logits = model.head(maps.mean((2, 3)))
    likeliest = logits.max(1).values
    (gradients,) = torch.autograd.grad(likeliest.sum(), maps)
    alpha = gradients.mean((2, 3), keepdim=True)
    expected = (alpha * maps).sum(1).relu()
    found = model.evidence(IMAGES)["class_activation"]
    assert found.axes == ("batch", "row", "column")
    assert (expected > 0).any()
    assert (expected == 0).any()
    torch.testing.assert_close(found.values, expected.detach(), atol=1e-7, rtol=1e-5)


def test_looking_changes_neither_modes_nor_statistics_nor_gradients():
    model = residual_network(dropout=0.5, drop_path=0.5)
    expected = model.evidence(IMAGES)["class_activation"].values
    model.train()
    model.stem.eval()
    before = statistics(model)
    with torch.inference_mode():
        found = model.evidence(IMAGES)["class_activation"].values
    assert torch.equal(found, expected)
    assert [module.training for module in (model, model.stem, model.stages)] == [True, False, True]
    assert all(torch.equal(tensor, before[name]) for name, tensor in statistics(model).items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_statistics_move_in_training_and_not_where_it_is_frozen():
    model = residual_network()
    parts = model.frozen("backbone")
    freeze(model, parts)
    before = statistics(model)
    train_mode(model, parts)
    model(IMAGES).sum().backward()
    assert all(torch.equal(tensor, before[name]) for name, tensor in statistics(model).items())
    assert {name for name, weight in model.named_parameters() if weight.grad is not None} == {
        "head.linear.weight",
        "head.linear.bias",
    }
    train_mode(model, [])
    model(IMAGES)
    assert not any(torch.equal(tensor, before[name]) for name, tensor in statistics(model).items())


def test_statistics_survive_the_model_folder_bit_for_bit(tmp_path: Path):
    model = residual_network()
    write_model_folder(tmp_path / "m", model, task="classification", details={}, facts={}, card="")
    read = read_model(tmp_path / "m", read_description(tmp_path / "m"))
    expected, found = named_tensors(model), named_tensors(read)
    assert found.keys() == expected.keys()
    assert len(statistics(model)) == 2 * (1 + 3 + 3 + 2)
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())
    assert torch.equal(read(IMAGES), model(IMAGES))


def test_adapting_keeps_weights_and_statistics_and_begins_a_head_of_zeros():
    model = residual_network()
    config = model.config.adapted((64, 64), 7, {"dropout": 0.1})
    adapted = model.adapted(config, keep_head=False).eval()
    assert adapted.config.dropout == 0.1
    assert adapted(IMAGES).shape == (3, 7)
    assert not adapted.head.linear.weight.any()
    assert torch.equal(adapted.features(IMAGES), model.features(IMAGES))
    kept = model.adapted(model.config.adapted((64, 64), None, {}), keep_head=True).eval()
    assert torch.equal(kept(IMAGES), model(IMAGES))


def test_depth_is_counted_in_blocks_from_the_output():
    model = residual_network("resnet50", depths=(2, 1))
    depths = {name: model.depth(name) for name, _ in model.named_parameters()}
    assert depths["head.linear.bias"] == 0
    assert depths["stages.1.0.layers.2.norm.weight"] == 1
    assert depths["stages.0.1.layers.0.convolution.weight"] == 2
    assert depths["stages.0.0.shortcut.convolution.weight"] == 3
    assert depths["stem.layer.convolution.weight"] == 4


def test_every_weight_gets_a_gradient():
    model = residual_network("resnet50", shortcut="average").train()
    model(IMAGES).square().sum().backward()
    assert [name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.any()] == []


def test_drop_path_and_dropout_act_in_training_only():
    for changes in ({"drop_path": 0.9}, {"dropout": 0.9}):
        model = residual_network(**changes)
        assert torch.equal(model(IMAGES), model(IMAGES))
        assert not torch.equal(model.train()(IMAGES), model(IMAGES))


def test_dropped_paths_grow_towards_the_output():
    model = residual_network(depths=(2, 2), drop_path=0.3)
    probabilities = [block.drop_path.probability for stage in model.stages for block in stage]
    assert probabilities == pytest.approx([0.0, 0.1, 0.2, 0.3])


@pytest.mark.parametrize("name", ["resnet19", "ResNet-50", ""])
def test_a_name_that_is_none_is_refused_with_those_that_are(name):
    with pytest.raises(RecipeError, match=f"unknown ResNet '{name}'; (did you mean|valid: )"):
        ResidualNetworkConfig.named(name, 10)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"depths": [1]}, "depths has 1 stages, but widths has 2"),
        ({"depths": [1, 0]}, "depths and widths must be positive"),
        ({"depths": [], "widths": []}, "depths"),
        ({"block": "bottleneck", "widths": [16, 34]}, "block = 'bottleneck' needs widths that are multiples of 4"),
        ({"shortcut": "padded", "widths": [16, 8]}, "shortcut = 'padded' can only add channels"),
        ({"stem": "large"}, "stem = 'large'"),
    ],
)
def test_choices_that_contradict_each_other_are_refused(changes, problem):
    with pytest.raises(RecipeError) as caught:
        ResidualNetworkConfig.parse({"num_classes": 5, **SMALL, **changes}, "config.json")
    assert str(caught.value).startswith(f"config.json: {problem}")


def test_images_below_one_pixel_of_the_last_stage_are_refused():
    config = ResidualNetworkConfig.named("resnet50", 10)
    config.check_image_size((32, 400))
    with pytest.raises(ValueError, match="images of 31 x 400 pixels are too small for a network that divides both"):
        config.check_image_size((31, 400))
    with pytest.raises(RecipeError, match="model: images of 16 x 16 pixels are too small"):
        config.adapted((16, 16), None, {})


def test_one_channel_can_be_trained_on_whatever_its_strides():
    """In a process of its own, since what goes wrong ends it."""
    program = """
import torch
from tests.models.test_residual_network import residual_network
torch.manual_seed(0)
torch.set_num_threads(1)
model = residual_network(channels=1, depths=(1, 1, 1), widths=(4, 8, 16), stem="cifar", stem_width=4)
for step in range(150):
    batch = (32, 17, 1)[step % 3]
    images = torch.randn(batch, 8, 8, 1).permute(0, 3, 1, 2).contiguous()
    model(images).square().mean().backward()
"""
    ended = python(program, timeout=120)
    assert ended.returncode == 0, ended.stderr
