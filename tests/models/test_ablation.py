"""What is taken away is gone, what is left is the network's own."""

from typing import Any, Literal

import pytest
import torch
from torch import nn

from patchword.engine.choice import packed
from patchword.models.ablation import Branch, without
from patchword.models.contracts import Model
from patchword.models.recurrent import Recurrent, RecurrentConfig
from patchword.models.transformer import Transformer, TransformerConfig
from patchword.models.vision_transformer import VisionTransformer, VisionTransformerConfig
from patchword.nn.encoder import EncoderLayer
from patchword.nn.residual import ResidualNorm

Part = Literal["residual", "norm"]
SOURCE, TARGET = torch.tensor([[5, 6, 7, 8, 3]]), torch.tensor([[2, 9, 10, 11]])
IMAGES = torch.linspace(-1, 1, 3 * 16 * 16).view(1, 3, 16, 16)
VOCABULARY = {"source_vocab_size": 30, "target_vocab_size": 30}


def transformer(**changes: Any) -> Transformer:
    sizes = {"d_model": 16, "num_heads": 2, "encoder_layers": 2, "decoder_layers": 2, "d_ff": 32, "norm_first": True}
    torch.manual_seed(1)
    return Transformer(TransformerConfig.parse({**VOCABULARY, **sizes, **changes}, "test")).eval()


def vision() -> VisionTransformer:
    sizes = {"d_model": 16, "num_heads": 2, "num_layers": 2, "d_ff": 32, "image_size": (16, 16), "patch_size": 4}
    return VisionTransformer(VisionTransformerConfig.parse({"num_classes": 3, **sizes}, "test")).eval()


def layers(model: Transformer) -> list[EncoderLayer]:
    return [layer for layer in model.encoder.layers if isinstance(layer, EncoderLayer)]


@pytest.mark.parametrize("norm_first", [True, False])
def test_without_residuals_a_layer_gives_what_its_sublayers_give(norm_first: bool) -> None:
    model = transformer(norm_first=norm_first)
    whole, ablated = layers(model)[0], layers(without(model, "residual"))[0]
    x = torch.randn(2, 5, 16)
    for layer in (whole, ablated):
        # Sublayers that give nothing leave the sum its input, and nothing else where there is no sum.
        nn.init.zeros_(layer.feed_forward.outer.weight)
        nn.init.zeros_(layer.feed_forward.outer.bias)
        nn.init.zeros_(layer.self_attention.output.weight)
        nn.init.zeros_(layer.self_attention.output.bias)
    assert not ablated(x).any()
    expected = x if norm_first else nn.functional.layer_norm(x, (16,))
    assert torch.allclose(whole(x), expected, atol=1e-5)


@pytest.mark.parametrize("norm_first", [True, False])
def test_a_branch_is_the_sublayer_and_the_norm_in_the_residuals_order(norm_first: bool) -> None:
    residual, x = ResidualNorm(16, 0.0, norm_first=norm_first, layer_scale=0.5), torch.randn(2, 5, 16)
    nn.init.normal_(residual.norm.weight)

    def sublayer(y: torch.Tensor) -> torch.Tensor:
        return y.square()

    norm = residual.norm
    expected = 0.5 * sublayer(norm(x)) if norm_first else norm(0.5 * sublayer(x))
    assert torch.allclose(Branch(residual)(x, sublayer), expected)
    assert not torch.allclose(residual(x, sublayer), expected)


def test_without_norms_there_is_none_and_the_sum_is_left() -> None:
    model = transformer()
    ablated = without(model, "norm")
    assert not [each for each in ablated.modules() if isinstance(each, nn.LayerNorm)]
    layer, x = layers(ablated)[0], torch.randn(2, 5, 16)
    middle = x + layer.self_attention(x)
    assert torch.allclose(layer(x), middle + layer.feed_forward(middle), atol=1e-6)
    assert ablated.encode(SOURCE).std() != model.encode(SOURCE).std()


@pytest.mark.parametrize("norm_first", [True, False])
def test_one_after_the_other_takes_away_both_in_either_order(norm_first: bool) -> None:
    model = transformer(norm_first=norm_first)
    both = without(without(model, "residual"), "norm")
    other = without(without(model, "norm"), "residual")
    assert torch.equal(both(SOURCE, TARGET), other(SOURCE, TARGET))
    assert not [each for each in both.modules() if isinstance(each, nn.LayerNorm | ResidualNorm)]
    layer, x = layers(both)[1], torch.randn(2, 5, 16)
    assert torch.allclose(layer(x), layer.feed_forward(layer.self_attention(x)))


@pytest.mark.parametrize("part", ["residual", "norm"])
def test_the_network_is_left_as_it_is_and_the_copy_has_its_weights(part: Part) -> None:
    model = transformer()
    before, states = model(SOURCE, TARGET), {name: each.clone() for name, each in model.state_dict().items()}
    ablated = without(model, part)
    assert not torch.allclose(ablated(SOURCE, TARGET), before)
    own = {name.replace("branch_norm", "norm"): each for name, each in ablated.named_parameters()}
    assert all(torch.equal(each, states[name]) for name, each in own.items())
    lost = sum(p.numel() for p in model.parameters()) - sum(p.numel() for p in ablated.parameters())
    assert lost == (0 if part == "residual" else 2 * 16 * (2 * 2 + 2 * 3 + 2))
    with torch.no_grad():
        for parameter in ablated.parameters():
            parameter.zero_()
    assert torch.equal(model(SOURCE, TARGET), before)


@pytest.mark.parametrize("parts", [("residual",), ("norm",), ("residual", "norm")])
def test_every_weight_of_what_is_left_learns(parts: tuple[Part, ...]) -> None:
    ablated: Model = transformer()
    for part in parts:
        ablated = without(ablated, part)
    ablated(SOURCE, TARGET).logsumexp(-1).sum().backward()
    for name, parameter in ablated.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert name.endswith("bias") or parameter.grad.any(), name


@pytest.mark.parametrize("part", ["residual", "norm"])
def test_a_step_at_a_time_and_evidence_agree_with_all_at_once(part: Part) -> None:
    ablated = without(transformer(), part)
    with torch.inference_mode():
        state = ablated.start(ablated.encode(SOURCE), SOURCE)
        steps = []
        for token in TARGET.unbind(1):
            logits, state = ablated.decode_step(token, state)
            steps.append(logits)
        assert torch.allclose(torch.stack(steps, 1), ablated(SOURCE, TARGET), atol=1e-4)
        cross = ablated.evidence(SOURCE, TARGET)["cross"].values
    assert torch.allclose(cross.sum(-1), torch.ones(()), atol=1e-5)


@pytest.mark.parametrize("part", ["residual", "norm"])
def test_nobody_takes_the_copy_for_the_network(part: Part) -> None:
    model = transformer()
    ablated = without(model, part)
    assert packed(model, "float32") is not None
    assert packed(ablated, "float32") is None
    with pytest.raises(RuntimeError, match="norm"):
        model.load_state_dict(ablated.state_dict())


@pytest.mark.parametrize("part", ["residual", "norm"])
def test_a_vision_transformer_is_ablated_as_well(part: Part) -> None:
    model = vision()
    ablated = without(model, part)
    kind = ResidualNorm if part == "residual" else nn.LayerNorm
    assert not [each for each in ablated.modules() if isinstance(each, kind)]
    x = torch.linspace(-1, 1, 2 * 5 * 16).view(2, 5, 16)
    assert not torch.allclose(ablated.encoder(x), model.encoder(x))
    assert ablated(IMAGES).shape == (1, 3)


def test_a_network_that_has_none_is_refused() -> None:
    sizes = {"embedding_size": 8, "hidden_size": 12}
    model = Recurrent(RecurrentConfig.parse({**VOCABULARY, **sizes}, "test"))
    for part, name in (("residual", "ResidualNorm"), ("norm", "LayerNorm")):
        with pytest.raises(ValueError, match=f"Recurrent has no {name} to take away"):
            without(model, part)
