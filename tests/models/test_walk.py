"""Every architecture tells its whole computation as steps, whatever its options."""

from typing import Any

import pytest
import torch
from torch import Tensor

from patchword.models.contracts import ImageModel, SequenceToSequence
from patchword.models.recurrent import Recurrent, RecurrentConfig
from patchword.models.residual_network import ResidualNetwork
from patchword.models.residual_network_config import ResidualNetworkConfig
from patchword.models.transformer import Transformer, TransformerConfig
from patchword.models.vision_transformer import VisionTransformer, VisionTransformerConfig
from patchword.nn.trace import WalkTrace

VOCABULARY = {"source_vocab_size": 30, "target_vocab_size": 30}
SOURCE, TARGET = torch.tensor([[5, 6, 7, 8, 3]]), torch.tensor([[2, 9, 10, 11]])
IMAGES = torch.linspace(-1, 1, 3 * 16 * 16).view(1, 3, 16, 16)


def transformer(**changes: Any) -> Transformer:
    sizes = {"d_model": 16, "num_heads": 2, "encoder_layers": 2, "decoder_layers": 1, "d_ff": 32}
    return Transformer(TransformerConfig.parse({**VOCABULARY, **sizes, **changes}, "test"))


def recurrent(**changes: Any) -> Recurrent:
    return Recurrent(RecurrentConfig.parse({**VOCABULARY, "embedding_size": 8, "hidden_size": 12, **changes}, "test"))


def vision(**changes: Any) -> VisionTransformer:
    sizes = {"d_model": 16, "num_heads": 2, "num_layers": 2, "d_ff": 32, "image_size": (16, 16), "patch_size": 4}
    return VisionTransformer(VisionTransformerConfig.parse({"num_classes": 3, **sizes, **changes}, "test"))


def residual(**changes: Any) -> ResidualNetwork:
    sizes = {"stem": "cifar", "stem_width": 4, "depths": [1, 2], "widths": [8, 16]}
    return ResidualNetwork(ResidualNetworkConfig.parse({"num_classes": 3, **sizes, **changes}, "test"))


def walked(
    model: SequenceToSequence | ImageModel, *given: Tensor
) -> tuple[dict[str, Tensor], dict[str, tuple[str, ...]]]:
    trace = WalkTrace()
    model.walk(*given, trace)
    names = [step.name for step in trace.steps]
    assert len(set(names)) == len(names)
    return {s.name: s.values for s in trace.steps}, {s.name: s.axes for s in trace.steps}


@pytest.mark.parametrize(
    ("model", "there", "missing"),
    [
        (
            transformer,
            "source.scaled_embedding source.sinusoids source.positions_added encoder.1.self_attention.scores "
            "encoder.1.feed_forward.norm target.positions_added decoder.0.self_attention.mask "
            "decoder.0.cross_attention.weights decoder.0.feed_forward.relu",
            "encoder.norm decoder.norm encoder.0.self_attention.norm_before encoder.0.self_attention.mask",
        ),
        (
            lambda: transformer(norm_first=True, activation="gelu"),
            "encoder.0.self_attention.norm_before encoder.0.self_attention.sum_of_norm_before encoder.norm "
            "decoder.norm encoder.0.feed_forward.gelu",
            "encoder.0.self_attention.norm encoder.0.self_attention.sum",
        ),
        (
            lambda: transformer(positions="none", scale_embeddings=False, share_embeddings=False, tie_output=False),
            "source.embedding target.embedding",
            "source.scaled_embedding source.positions_added target.positions_added",
        ),
        (lambda: transformer(positions="learned"), "source.learned_positions", "source.sinusoids"),
        (lambda: transformer(positions="sinusoidal_halves"), "source.sinusoids_in_halves", "source.sinusoids"),
        (
            recurrent,
            "source.embedding encoder.0.forwards.lstm.forget_gate encoder.0.backwards.lstm.hidden "
            "encoder.0.annotations decoder.0.initial_state decoder.0.lstm.cell decoder.attention.general_scores "
            "decoder.attention.alignment decoder.attention.context decoder.attention.attentional_state",
            "encoder.1.annotations",
        ),
        (
            lambda: recurrent(
                cell="gru", attention="additive", input_feeding=False, encoder_layers=2, decoder_layers=2
            ),
            "encoder.1.forwards.gru.reset_gate decoder.1.gru.update_gate decoder.attention.additive_scores",
            "encoder.0.forwards.lstm.hidden",
        ),
    ],
)
def test_a_sentence_goes_through_all_steps_to_the_next_words(model: Any, there: str, missing: str) -> None:
    network = model().train()
    values, axes = walked(network, SOURCE, TARGET)
    assert set(there.split()) <= set(values)
    assert not set(missing.split()) & set(values)
    assert network.training
    last = list(values)[-1]
    assert (last, axes[last]) == ("output.probabilities", ("batch", "target", "word"))
    with torch.no_grad():
        probabilities = network.eval()(SOURCE, TARGET).softmax(-1)
    assert torch.allclose(values[last], probabilities, atol=1e-5)
    sizes = {"source": 5, "target": 4, "batch": 1, "word": 30}
    for name, counted in axes.items():
        known = {axis for axis in counted if axis not in ("head", "channel")}
        assert known <= set(sizes), name
        assert all(values[name].size(place) == sizes[axis] for place, axis in enumerate(counted) if axis in sizes), name


@pytest.mark.parametrize(
    ("model", "there", "missing"),
    [
        (
            vision,
            "input.patches input.patch_embedding input.class_token input.position_embedding input.embedded_patches "
            "encoder.1.self_attention.scores encoder.1.feed_forward.gelu encoder.norm head.pooled_class_token "
            "head.logits",
            "input.registers encoder.0.self_attention.norm encoder.0.self_attention.mask head.hidden",
        ),
        (lambda: vision(norm_first=False), "encoder.0.self_attention.norm", "encoder.norm"),
        (lambda: vision(positions="none"), "input.class_token", "input.position_embedding input.embedded_patches"),
        (
            lambda: vision(pool="mean", class_token=False, norm_after_pool=True, head_hidden=8),
            "head.pooled_mean_unnormed head.norm head.hidden",
            "input.class_token encoder.norm",
        ),
        (
            lambda: vision(register_tokens=2, layer_scale=0.1, activation="swiglu", pool="class_token_and_mean"),
            "input.registers encoder.0.self_attention.layer_scale encoder.0.feed_forward.swiglu "
            "head.pooled_class_token_and_mean",
            "input.distillation_token",
        ),
        (
            lambda: vision(distillation_token=True, distillation_head=True),
            "input.distillation_token head.distillation.logits",
            "",
        ),
        (
            residual,
            "stem.small_convolution stages.0.0.branch stages.0.0.shortcut stages.1.1.block_output head.mean_of_maps "
            "head.logits",
            "stem.pool stages.1.1.shortcut",
        ),
        (
            lambda: residual(block="bottleneck", stem="imagenet", shortcut="average", downsampling="blur"),
            "stem.blurred_pool stages.1.0.average_shortcut",
            "",
        ),
    ],
)
def test_an_image_goes_through_all_steps_to_the_classes(model: Any, there: str, missing: str) -> None:
    network = model().train()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)  # some begin at zero
    values, axes = walked(network, IMAGES)
    assert set(there.split()) <= set(values)
    assert not set(missing.split()) & set(values)
    assert network.training
    names = list(values)
    assert torch.equal(values["input.image"], IMAGES)
    assert names[0] == "input.image"
    last = "head.both.probabilities" if "head.distillation.logits" in values else "head.probabilities"
    assert (names[-1], axes[names[-1]]) == (last, ("batch", "class"))
    with torch.no_grad():
        probabilities = network.eval()(IMAGES).softmax(-1)
    assert torch.allclose(values[last], probabilities, atol=1e-5)
    assert all(len(counted) == values[name].dim() for name, counted in axes.items())


@pytest.mark.parametrize("model", [vision, residual])
def test_a_backbone_without_classes_is_walked_to_its_representation(model: Any) -> None:
    values, _ = walked(model(num_classes=0), IMAGES)
    assert "head.probabilities" not in values
    assert "head.logits" not in values
    assert [name for name in values if name.startswith("head.")]


def test_the_224_pixel_image_of_the_paper_has_196_patches_and_197_tokens() -> None:
    model = vision(image_size=(224, 224), patch_size=16, num_layers=1)
    values, axes = walked(model, torch.zeros(1, 3, 224, 224))
    assert values["input.patches"].shape == (1, 14, 14, 3, 16, 16)
    assert values["input.patch_embedding"].shape == (1, 196, 16)
    assert values["input.class_token"].shape == (1, 197, 16)
    assert axes["encoder.0.self_attention.weights"] == ("batch", "head", "token", "token")


def test_equations_2_to_4_of_the_vit_hold_between_noted_steps() -> None:
    values, _ = walked(vision(num_layers=1), IMAGES)
    z0 = values["input.embedded_patches"]
    attended = values["encoder.0.self_attention.sum_of_norm_before"]
    assert torch.allclose(attended, z0 + values["encoder.0.self_attention.output"], atol=1e-6)
    z1 = values["encoder.0.feed_forward.sum_of_norm_before"]
    assert torch.allclose(z1, attended + values["encoder.0.feed_forward.output"], atol=1e-6)
    expected = torch.nn.functional.layer_norm(z1[:, 0], (16,), eps=1e-6)
    assert torch.allclose(values["head.pooled_class_token"], expected, atol=1e-5)
