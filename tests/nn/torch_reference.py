"""torch's own Transformer layers with random weights, and the same weights in ours."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from patchword.nn.decoder import Decoder, DecoderLayer
from patchword.nn.encoder import LayerOptions

D_MODEL, HEADS, D_FF = 32, 4, 48


def options(norm_first: bool, activation: str) -> LayerOptions:
    return LayerOptions(D_MODEL, HEADS, D_FF, norm_first=norm_first, activation=activation)


def torch_encoder_layer(norm_first: bool, activation: str) -> nn.TransformerEncoderLayer:
    return nn.TransformerEncoderLayer(
        D_MODEL, HEADS, D_FF, dropout=0.0, activation=activation, batch_first=True, norm_first=norm_first
    )


def torch_decoder_layer(norm_first: bool, activation: str) -> nn.TransformerDecoderLayer:
    return nn.TransformerDecoderLayer(
        D_MODEL, HEADS, D_FF, dropout=0.0, activation=activation, batch_first=True, norm_first=norm_first
    )


def randomise(module: nn.Module) -> None:
    """Weights of every kind, so that none is at a value (0, 1) that hides a mistake."""
    for name, parameter in module.named_parameters():
        nn.init.normal_(parameter, mean=1.0 if "norm" in name and name.endswith("weight") else 0.0, std=0.15)


def pairs(theirs: nn.Module, ours: nn.Module) -> Iterator[tuple[str, nn.Parameter, nn.Parameter]]:
    """Each of torch's parameters with its name and ours that has the same part."""
    names = {
        "self_attn.in_proj_": "self_attention.query_key_value.",
        "self_attn.out_proj.": "self_attention.output.",
        "multihead_attn.in_proj_": "cross_attention.query_key_value.",
        "multihead_attn.out_proj.": "cross_attention.output.",
        "linear1.": "feed_forward.inner.",
        "linear2.": "feed_forward.outer.",
        "norm1.": "self_attention_residual.norm.",
    }
    if isinstance(ours, Decoder | DecoderLayer):
        names |= {"norm2.": "cross_attention_residual.norm.", "norm3.": "feed_forward_residual.norm."}
    else:
        names |= {"norm2.": "feed_forward_residual.norm."}
    mine = dict(ours.named_parameters())
    for name, parameter in theirs.named_parameters():
        translated = name
        for old, new in names.items():
            translated = translated.replace(old, new)
        yield name, parameter, mine.pop(translated)
    assert not mine, f"parameters without a counterpart: {sorted(mine)}"


def copy_weights(theirs: nn.Module, ours: nn.Module) -> None:
    randomise(theirs)
    for _, source, target in pairs(theirs, ours):
        target.data.copy_(source.data)


def assert_same(
    theirs: nn.Module, ours: nn.Module, outputs: tuple[Tensor, Tensor], inputs: list[tuple[Tensor, Tensor]]
) -> None:
    """Outputs, and the gradients of every input and every weight, agree within 1e-5.

    Args:
        theirs: torch's module.
        ours: with the same weights.
        outputs: of theirs and of ours.
        inputs: leaves that need a gradient, each as given to theirs and to ours.
    """
    torch.testing.assert_close(outputs[1], outputs[0], atol=1e-5, rtol=0)
    loss_weights = torch.randn_like(outputs[0]) / outputs[0].size(1) ** 0.5
    for output in outputs:
        (output * loss_weights).sum().backward()
    for theirs_input, ours_input in inputs:
        assert_gradients_match("input", theirs_input, ours_input)
    for name, theirs_weight, ours_weight in pairs(theirs, ours):
        assert_gradients_match(name, theirs_weight, ours_weight)


def assert_gradients_match(name: str, theirs: Tensor, ours: Tensor) -> None:
    assert theirs.grad is not None
    assert ours.grad is not None
    if "in_proj_bias" not in name:
        assert theirs.grad.abs().max() > 1e-3, f"{name}: a gradient this small would prove nothing"
    # Float32 carries 7 digits, so what is larger than 1 may differ by as much more.
    torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-5, rtol=1e-5, msg=lambda text: f"{name}: {text}")


def leaf_pair(*shape: int) -> tuple[Tensor, Tensor]:
    x = torch.randn(*shape)
    return x.clone().requires_grad_(), x.clone().requires_grad_()
