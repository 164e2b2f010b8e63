import pytest
import torch
from torch import nn

from patchword.nn.cache import KeyValueCache
from patchword.nn.decoder import Decoder, DecoderLayer
from tests.nn.torch_reference import (
    D_MODEL,
    assert_same,
    copy_weights,
    leaf_pair,
    options,
    torch_decoder_layer,
)

BATCH, SOURCE, TARGET = 3, 6, 5
REAL_SOURCE = torch.arange(SOURCE) < torch.tensor([[6], [3], [1]])
REAL_TARGET = torch.arange(TARGET) < torch.tensor([[5], [2], [4]])
CAUSAL = torch.ones(TARGET, TARGET).tril().bool()

both_orders = pytest.mark.parametrize("norm_first", [False, True], ids=["post_ln", "pre_ln"])
both_activations = pytest.mark.parametrize("activation", ["relu", "gelu"])
padded_memory = pytest.mark.parametrize("padded_source", [False, True], ids=["full_source", "padded_source"])
padded_target = pytest.mark.parametrize("padded_target", [False, True], ids=["full_target", "padded_target"])


def their_masks(padded_source: bool, padded_target: bool) -> dict[str, torch.Tensor | None]:
    # torch's boolean masks are True where attention is forbidden.
    return {
        "tgt_mask": ~CAUSAL,
        "memory_key_padding_mask": ~REAL_SOURCE if padded_source else None,
        "tgt_key_padding_mask": ~REAL_TARGET if padded_target else None,
    }


def source_mask(padded: bool) -> torch.Tensor | None:
    return REAL_SOURCE[:, None, None, :] if padded else None


@both_orders
@both_activations
@padded_memory
@padded_target
def test_a_layer_gives_torchs_output_and_gradients(norm_first, activation, padded_source, padded_target):
    theirs, ours = torch_decoder_layer(norm_first, activation), DecoderLayer(options(norm_first, activation))
    copy_weights(theirs, ours)
    x, memory = leaf_pair(BATCH, TARGET, D_MODEL), leaf_pair(BATCH, SOURCE, D_MODEL)
    target_mask = REAL_TARGET[:, None, None, :] if padded_target else None
    outputs = (
        theirs(x[0], memory[0], **their_masks(padded_source, padded_target)),
        ours(x[1], memory[1], source_mask(padded_source), target_mask),
    )
    assert_same(theirs, ours, outputs, [x, memory])


@both_orders
@both_activations
@padded_memory
def test_a_stack_gives_torchs_output_and_gradients(norm_first, activation, padded_source):
    norm = nn.LayerNorm(D_MODEL) if norm_first else None
    theirs = nn.TransformerDecoder(torch_decoder_layer(norm_first, activation), 3, norm)
    ours = Decoder(3, options(norm_first, activation))
    copy_weights(theirs, ours)
    x, memory = leaf_pair(BATCH, TARGET, D_MODEL), leaf_pair(BATCH, SOURCE, D_MODEL)
    outputs = (
        theirs(x[0], memory[0], **their_masks(padded_source, padded_target=False)),
        ours(x[1], memory[1], source_mask(padded_source)),
    )
    assert_same(theirs, ours, outputs, [x, memory])


@both_orders
def test_a_position_is_unchanged_to_the_bit_by_what_comes_after_it(norm_first):
    decoder = Decoder(2, options(norm_first, "relu"))
    x, memory = torch.randn(BATCH, TARGET, D_MODEL), torch.randn(BATCH, SOURCE, D_MODEL)
    before = decoder(x, memory)
    for position in range(1, TARGET):
        changed = torch.cat([x[:, :position], torch.randn_like(x[:, position:])], dim=1)
        after = decoder(changed, memory)
        assert torch.equal(after[:, :position], before[:, :position])
        assert (after[:, position:] != before[:, position:]).any(dim=-1).all()


def test_a_masked_memory_position_has_no_effect_to_the_bit():
    decoder = Decoder(2, options(False, "relu"))
    x, memory = torch.randn(BATCH, TARGET, D_MODEL), torch.randn(BATCH, SOURCE, D_MODEL)
    changed = torch.where(REAL_SOURCE[:, :, None], memory, torch.randn_like(memory))
    assert torch.equal(decoder(x, memory, source_mask(True)), decoder(x, changed, source_mask(True)))
    assert not torch.equal(decoder(x, memory), decoder(x, changed))


@both_orders
@pytest.mark.parametrize("steps", [[1] * 5, [5], [2, 3], [3, 1, 1]], ids=str)
def test_caches_give_the_same_answer_in_any_portions(norm_first, steps):
    decoder = Decoder(2, options(norm_first, "gelu"))
    x, memory = torch.randn(BATCH, TARGET, D_MODEL), torch.randn(BATCH, SOURCE, D_MODEL)
    projected = decoder.project_memory(memory)
    caches = [KeyValueCache(capacity=2) for _ in decoder.layers]
    portions = [decoder(part, projected, source_mask(True), caches=caches) for part in x.split(steps, dim=1)]
    torch.testing.assert_close(torch.cat(portions, dim=1), decoder(x, memory, source_mask(True)), atol=1e-5, rtol=0)


def test_portions_past_the_first_capacity_give_the_same_answer():
    decoder = Decoder(2, options(False, "relu"))
    x, memory = torch.randn(2, 75, D_MODEL), torch.randn(2, SOURCE, D_MODEL)
    caches = [KeyValueCache() for _ in decoder.layers]
    portions = [
        decoder(part, decoder.project_memory(memory), caches=caches) for part in x.split([1, 30, 3, 1, 40], dim=1)
    ]
    torch.testing.assert_close(torch.cat(portions, dim=1), decoder(x, memory), atol=1e-5, rtol=0)
