import pytest
import torch

from patchword.errors import RecipeError
from patchword.models.vision_transformer import VisionTransformer
from patchword.models.vision_transformer_config import VisionTransformerConfig
from patchword.nn.trace import AttentionTrace

IMAGES = torch.rand(3, 3, 16, 24)


def vision_transformer(**changes: object) -> VisionTransformer:
    fields = {"num_classes": 5, "image_size": (16, 24), "patch_size": 8, "d_model": 32, "num_heads": 4}
    fields |= {"num_layers": 2, "d_ff": 48}
    return VisionTransformer(VisionTransformerConfig.model_validate(fields | changes)).eval()


def test_logits_have_a_column_for_each_class():
    assert vision_transformer()(IMAGES).shape == (3, 5)


def test_tokens_are_class_token_then_registers_then_patches():
    model = vision_transformer(register_tokens=2, positions="none", num_layers=1, drop_path=0.0)
    seen = []
    model.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model.class_token.data.normal_()
    model(IMAGES)
    (tokens,) = seen
    assert tokens.shape == (3, 1 + 2 + 6, 32)
    assert torch.equal(tokens[:, 0], model.class_token.expand(3, -1))
    assert torch.equal(tokens[:, 1:3], model.register_tokens.expand(3, -1, -1))
    assert torch.equal(tokens[:, 3:], model.patch_embedding(IMAGES))


def test_registers_have_no_position():
    model = vision_transformer(register_tokens=2)
    assert model.position_embedding.embedding.shape == (1 + 6, 32)
    assert model.encode(IMAGES).shape == (3, 1 + 2 + 6, 32)


def test_registers_start_different_from_each_other_and_change_the_answer():
    model = vision_transformer(register_tokens=2)
    before = model(IMAGES)
    assert not torch.equal(model.register_tokens[0], model.register_tokens[1])
    # The same amount in every channel would be taken out again by the first norm.
    model.register_tokens.data += torch.randn_like(model.register_tokens)
    assert not torch.allclose(model(IMAGES), before)


def test_the_representation_is_the_class_tokens():
    model = vision_transformer(register_tokens=1)
    assert torch.equal(model.features(IMAGES), model.encode(IMAGES)[:, 0])


@pytest.mark.parametrize("class_token", [True, False])
@pytest.mark.parametrize("registers", [0, 3])
def test_mean_pooling_takes_the_patches_alone(class_token, registers):
    model = vision_transformer(pool="mean", class_token=class_token, register_tokens=registers)
    tokens = model.encode(IMAGES)
    assert tokens.size(1) == class_token + registers + 6
    torch.testing.assert_close(model.features(IMAGES), tokens[:, -6:].mean(dim=1))


def test_without_a_class_token_there_is_none_in_the_weights():
    model = vision_transformer(pool="mean", class_token=False)
    assert "class_token" not in dict(model.named_parameters())
    assert model.position_embedding.embedding.shape == (6, 32)


def test_an_mlp_head_and_layer_scale_are_built_where_asked_for():
    model = vision_transformer(head_hidden=11, layer_scale=1e-4)
    names = dict(model.named_parameters())
    assert names["head.hidden.0.weight"].shape == (11, 32)
    scales = [weight for name, weight in names.items() if name.endswith("layer_scale.factor")]
    assert len(scales) == 4
    assert all(scale.eq(1e-4).all() for scale in scales)


def test_a_layer_scale_of_zero_leaves_the_tokens_as_they_came():
    model = vision_transformer(layer_scale=0.0)
    x = torch.randn(2, 4, 32)
    torch.testing.assert_close(model.encoder(x), model.encoder.norm(x))


def test_drop_path_acts_in_training_only():
    model = vision_transformer(drop_path=0.9)
    assert torch.equal(model(IMAGES), model(IMAGES))
    images = IMAGES[:1].expand(64, -1, -1, -1)
    assert len(model.train()(images).detach().unique(dim=0)) > 1


def test_a_trace_has_every_map_and_changes_no_logit():
    model, trace = vision_transformer(register_tokens=2), AttentionTrace()
    torch.testing.assert_close(model(IMAGES, trace), model(IMAGES), atol=1e-5, rtol=0)
    assert [tuple(weights.shape) for weights in trace["encoder"]] == [(3, 4, 9, 9)] * 2
    torch.testing.assert_close(torch.stack(trace["encoder"]).sum(-1), torch.ones(2, 3, 4, 9), atol=1e-5, rtol=0)


def test_without_positions_the_class_token_does_not_see_the_order_of_patches():
    mirrored = IMAGES.flip(-1).unflatten(-1, (3, 8)).flip(-1).flatten(-2)  # columns of patches swapped, not pixels
    without, with_positions = vision_transformer(positions="none"), vision_transformer()
    torch.testing.assert_close(without(mirrored), without(IMAGES), atol=1e-5, rtol=0)
    with_positions.position_embedding.embedding.data.normal_()
    assert not torch.allclose(with_positions(mirrored), with_positions(IMAGES), atol=1e-3)


def test_an_image_does_not_depend_on_the_others_of_its_batch():
    model = vision_transformer()
    torch.testing.assert_close(model(IMAGES)[1:2], model(IMAGES[1:2]), atol=1e-5, rtol=0)


def test_every_weight_gets_a_gradient():
    model = vision_transformer(register_tokens=1, layer_scale=0.1, head_hidden=8).train()
    model(IMAGES).square().sum().backward()
    assert [name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.any()] == []


def test_a_name_is_a_size_and_a_patch_size():
    config = VisionTransformerConfig.named("S/8", 10, image_size=(32, 64))
    assert (config.d_model, config.num_heads, config.patch_size, config.grid) == (384, 6, 8, (4, 8))


@pytest.mark.parametrize("name", ["B16", "B/", "X/16", "B/sixteen", "B/²", ""])
def test_a_name_that_is_none_is_refused_with_those_that_are(name):
    with pytest.raises(RecipeError, match="expected SIZE/PATCH such as 'B/16', with SIZE Ti, S, B, L, H"):
        VisionTransformerConfig.named(name, 10)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"d_model": 30}, "d_model 30 is not a multiple of num_heads 4"),
        ({"image_size": (16, 20)}, "an image of 16 x 20 pixels does not divide into patches of 8"),
        ({"image_size": (0, 8)}, "an image of 0 x 8 pixels does not divide into patches of 8"),
        ({"class_token": False}, "pool = 'class_token' needs class_token = true"),
        ({"num_classes": -1}, "num_classes = -1: input should be greater than or equal to 0"),
    ],
)
def test_choices_that_contradict_each_other_are_refused(changes, problem):
    fields = {"num_classes": 5, "image_size": (16, 24), "patch_size": 8, "d_model": 32, "num_heads": 4}
    with pytest.raises(RecipeError) as caught:
        VisionTransformerConfig.parse(fields | changes, "config.json")
    assert str(caught.value) == f"config.json: {problem}"
