"""What speaks for a class, of both architectures: against autograd by hand, and for every kind of ViT."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.testing import assert_close

from patchword.models.contracts import ImageModel
from patchword.models.vision_transformer import VisionTransformer
from patchword.nn.trace import AttentionTrace
from tests.models.test_residual_network import residual_network
from tests.models.test_vision_transformer import vision_transformer

IMAGES = torch.randn(2, 3, 16, 24)
CLASSES = torch.tensor([4, 1])


def varied(**changes: Any) -> VisionTransformer:
    """A ViT whose every weight speaks, so that no map is empty."""
    model = vision_transformer(**changes)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return model


def test_the_relevance_of_a_vision_transformer_is_the_papers_product_of_whole_matrices() -> None:
    model = varied()
    trace = AttentionTrace(with_graph=True)
    logits = model(IMAGES, trace)
    maps = trace["encoder"]
    gradients = torch.autograd.grad(logits[0, 4] + logits[1, 1], maps)
    whole = torch.eye(7).expand(2, -1, -1)
    for weights, gradient in zip(maps, gradients, strict=True):
        whole = whole + (gradient * weights).clamp(min=0).mean(1) @ whole
    found = model.class_evidence(IMAGES, CLASSES)["relevance"]
    assert found.axes == ("batch", "row", "column")
    assert found.values.max() > 0
    assert_close(found.values, whole[:, 0, 1:].detach().view(2, 2, 3))


def test_the_class_activation_of_a_vision_transformer_is_grad_cam_of_what_comes_into_the_last_layer() -> None:
    model = varied()
    inputs: list[Tensor] = []
    hook = model.encoder.layers[-1].register_forward_pre_hook(lambda _, given: inputs.append(given[0]))
    logits = model(IMAGES)
    hook.remove()
    (gradients,) = torch.autograd.grad(logits[0, 4] + logits[1, 1], inputs)
    weights = gradients[:, 1:].mean(1)
    expected = torch.einsum("bpc,bc->bp", inputs[0][:, 1:], weights).relu().detach().view(2, 2, 3)
    assert expected.max() > 0
    assert_close(model.class_evidence(IMAGES, CLASSES)["class_activation"].values, expected)


def test_the_class_activation_of_a_residual_network_is_grad_cams_formula_for_the_class_asked_about() -> None:
    model = residual_network()
    maps = model.encode(IMAGES.repeat(1, 1, 2, 2)).detach().requires_grad_()
    logits = model.head(maps.mean((2, 3)))
    (gradients,) = torch.autograd.grad(logits[0, 4] + logits[1, 1], maps)
    expected = (gradients.mean((2, 3), keepdim=True) * maps).sum(1).relu().detach()
    found = model.class_evidence(IMAGES.repeat(1, 1, 2, 2), CLASSES)
    assert found.keys() == {"class_activation"}
    assert_close(found["class_activation"].values, expected, atol=1e-7, rtol=1e-5)


def test_another_class_has_other_maps() -> None:
    for model, images in ((varied(), IMAGES), (residual_network(), IMAGES.repeat(1, 1, 2, 2))):
        one, other = (model.class_evidence(images, torch.full((2,), number)) for number in (0, 3))
        assert one.keys() == other.keys()
        assert not any(torch.equal(one[name].values, other[name].values) for name in one)


@pytest.mark.parametrize(
    "changes",
    [
        {"pool": "mean", "class_token": False},
        {"pool": "mean", "class_token": False, "norm_after_pool": True},
        {"pool": "class_token_and_mean", "register_tokens": 3},
        {"distillation_token": True, "distillation_head": True},
        {"distillation_token": True},
        {"norm_first": False},
        {"positions": "none"},
        {"layer_scale": 0.1, "activation": "swiglu"},
        {"num_layers": 1},
        {"dropout": 0.5, "attention_dropout": 0.5, "drop_path": 0.5},
    ],
    ids=lambda changes: " ".join(changes),
)
def test_every_kind_of_vision_transformer_has_maps_of_its_grid(changes: dict[str, Any]) -> None:
    model = varied(**changes)
    found = model.class_evidence(IMAGES, CLASSES)
    assert found.keys() == {"relevance", "class_activation"}
    for each in found.values():
        assert each.values.shape == (2, 2, 3)
        assert bool((each.values >= 0).all())
        assert bool(each.values.isfinite().all())
    assert found["relevance"].values.std() > 0
    readers = model.evidence(IMAGES)["encoder"].readers
    assert readers is not None
    assert float(readers.sum()) == pytest.approx(1)
    model.train()
    assert_close(model.class_evidence(IMAGES, CLASSES)["relevance"].values, found["relevance"].values)


def test_what_the_heads_read_is_the_row_of_the_map() -> None:
    assert vision_transformer(register_tokens=1)._readers().tolist() == [1, 0, 0, 0, 0, 0, 0, 0]
    distilled = vision_transformer(distillation_token=True, distillation_head=True)
    assert distilled._readers().tolist() == [0.5, 0.5, 0, 0, 0, 0, 0, 0]
    assert_close(vision_transformer(pool="mean", class_token=False)._readers(), torch.full((6,), 1 / 6))
    both = vision_transformer(pool="class_token_and_mean")._readers()
    assert_close(both, torch.tensor([1 / 2, *[1 / 12] * 6]))


@pytest.mark.parametrize("model", [vision_transformer(num_classes=0), residual_network(num_classes=0)])
def test_without_classes_nothing_speaks_for_one(model: ImageModel) -> None:
    assert model.class_evidence(IMAGES.repeat(1, 1, 2, 2), CLASSES) == {}


def test_looking_leaves_no_gradients_and_works_for_those_who_want_none() -> None:
    model = varied(dropout=0.5)
    expected = model.class_evidence(IMAGES, CLASSES)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    model.train()
    with torch.inference_mode():
        found = model.class_evidence(IMAGES + 0, CLASSES + 0)
    assert model.training
    assert all(parameter.grad is None for parameter in model.parameters())
    for name, each in found.items():
        assert_close(each.values, expected[name].values)
        assert not each.values.requires_grad


def test_an_answer_comes_with_the_evidence_of_the_same_pass() -> None:
    for model, images in ((varied(), IMAGES), (residual_network(), IMAGES.repeat(1, 1, 2, 2))):
        logits, evidence = model.answer_and_evidence(images)
        assert_close(logits, model(images), atol=1e-5, rtol=1e-5)
        assert evidence.keys() == model.evidence(images).keys()


def test_a_vision_transformer_shows_its_principal_filters_and_the_patches_positions() -> None:
    model = vision_transformer(register_tokens=2, distillation_token=True)
    learned = model.learned()
    positions = model.position_embedding.embedding
    assert torch.equal(learned["positions"].values, positions[2:].detach().view(2, 3, 32))
    filters = learned["filters"].values
    assert learned["filters"].axes == ("filter", "row", "column", "channel")
    assert filters.shape == (28, 8, 8, 3)
    flat = filters.permute(0, 3, 1, 2).flatten(1)
    assert_close(flat @ flat.T, torch.eye(28), atol=1e-5, rtol=0)
    # The filters differ along the first one most, and along each less than along the one before.
    weight = model.patch_embedding.projection.weight.detach()
    spread = ((weight - weight.mean(0)) @ flat.T).square().sum(0)
    assert_close(spread, spread.sort(descending=True).values)
    assert float(spread[0]) > float(((weight - weight.mean(0)) @ F.normalize(torch.randn(192), dim=0)).square().sum())


def test_a_model_without_positions_shows_none_and_one_of_small_patches_fewer_filters() -> None:
    learned = vision_transformer(positions="none", patch_size=2).learned()
    assert learned.keys() == {"filters"}
    assert learned["filters"].values.shape == (12, 2, 2, 3)


def test_a_residual_network_shows_its_first_convolution() -> None:
    model = residual_network()
    learned = model.learned()
    assert learned.keys() == {"filters"}
    filters = learned["filters"].values
    assert filters.shape == (8, 7, 7, 3)
    assert torch.equal(filters.permute(0, 3, 1, 2), model.stem.layer.convolution.weight)
