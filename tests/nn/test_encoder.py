import pytest
import torch
from torch import nn

from patchword.nn.encoder import Encoder, EncoderLayer, LayerOptions
from tests.nn.torch_reference import (
    D_FF,
    D_MODEL,
    HEADS,
    assert_same,
    copy_weights,
    leaf_pair,
    options,
    torch_encoder_layer,
)

BATCH, LENGTH = 3, 7
REAL = torch.arange(LENGTH) < torch.tensor([[7], [4], [1]])  # (batch, length), True at what is not padding
CAUSAL = torch.ones(LENGTH, LENGTH).tril().bool()

both_orders = pytest.mark.parametrize("norm_first", [False, True], ids=["post_ln", "pre_ln"])
both_activations = pytest.mark.parametrize("activation", ["relu", "gelu"])
all_masks = pytest.mark.parametrize("padded", [False, True], ids=["full", "padded"])
causal_or_not = pytest.mark.parametrize("causal", [False, True], ids=["sees_all", "causal"])


def our_mask(padded: bool, causal: bool) -> torch.Tensor | None:
    mask = REAL[:, None, None, :] if padded else None
    if causal:
        mask = CAUSAL if mask is None else mask & CAUSAL
    return mask


def their_masks(padded: bool, causal: bool) -> tuple[dict[str, torch.Tensor | None], torch.Tensor | None]:
    # torch's boolean masks are True where attention is forbidden.
    return {"src_key_padding_mask": ~REAL if padded else None}, ~CAUSAL if causal else None


@both_orders
@both_activations
@all_masks
@causal_or_not
def test_a_layer_gives_torchs_output_and_gradients(norm_first, activation, padded, causal):
    theirs, ours = torch_encoder_layer(norm_first, activation), EncoderLayer(options(norm_first, activation))
    copy_weights(theirs, ours)
    x = leaf_pair(BATCH, LENGTH, D_MODEL)
    padding, attention = their_masks(padded, causal)
    outputs = theirs(x[0], src_mask=attention, **padding), ours(x[1], our_mask(padded, causal))
    assert_same(theirs, ours, outputs, [x])


@both_orders
@both_activations
@all_masks
@causal_or_not
def test_a_stack_gives_torchs_output_and_gradients(norm_first, activation, padded, causal):
    norm = nn.LayerNorm(D_MODEL) if norm_first else None
    theirs = nn.TransformerEncoder(torch_encoder_layer(norm_first, activation), 3, norm, enable_nested_tensor=False)
    ours = Encoder(3, options(norm_first, activation))
    copy_weights(theirs, ours)
    x = leaf_pair(BATCH, LENGTH, D_MODEL)
    padding, attention = their_masks(padded, causal)
    outputs = theirs(x[0], mask=attention, **padding), ours(x[1], our_mask(padded, causal))
    assert_same(theirs, ours, outputs, [x])


def test_what_stands_at_padding_changes_no_real_position():
    encoder = Encoder(2, options(False, "relu")).eval()
    x = torch.randn(BATCH, LENGTH, D_MODEL)
    changed = torch.where(REAL[:, :, None], x, torch.randn_like(x))
    mask = REAL[:, None, None, :]
    assert torch.equal(encoder(x, mask)[REAL], encoder(changed, mask)[REAL])
    assert not torch.equal(encoder(x)[REAL], encoder(changed)[REAL])


def test_without_biases_only_the_norms_have_one():
    layer = EncoderLayer(LayerOptions(D_MODEL, HEADS, D_FF, bias=False))
    biases = {name for name, _ in layer.named_parameters() if name.endswith("bias")}
    assert biases == {"self_attention_residual.norm.bias", "feed_forward_residual.norm.bias"}
    assert layer(torch.randn(2, 3, D_MODEL)).shape == (2, 3, D_MODEL)


def test_every_option_reaches_its_part():
    layer = EncoderLayer(
        LayerOptions(
            D_MODEL,
            HEADS,
            D_FF,
            dropout=0.1,
            attention_dropout=0.2,
            activation_dropout=0.3,
            layer_norm_eps=1e-3,
            layer_scale=0.5,
        ),
        drop_path=0.4,
    )
    assert layer.self_attention.dropout == 0.2
    assert layer.feed_forward.dropout.probability == 0.3
    for residual in (layer.self_attention_residual, layer.feed_forward_residual):
        assert residual.dropout.probability == 0.1
        assert residual.norm.eps == 1e-3
        assert residual.layer_scale.factor.tolist() == [0.5] * D_MODEL
        assert residual.drop_path.probability == 0.4


def test_drop_path_grows_linearly_with_depth():
    encoder = Encoder(5, options(True, "gelu"), drop_path=0.2)
    rates = [layer.feed_forward_residual.drop_path.probability for layer in encoder.layers]
    assert rates == pytest.approx([0.0, 0.05, 0.1, 0.15, 0.2])
