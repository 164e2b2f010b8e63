import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from patchword.nn.attention import MultiHeadAttention, scaled_dot_product_attention
from patchword.nn.cache import KeyValueCache
from patchword.nn.masks import causal_mask, padding_mask
from patchword.nn.trace import AttentionTrace
from tests.nn.torch_reference import randomise

BATCH, QUERY, KEY, D_MODEL, HEADS = 2, 5, 7, 24, 3


def attention(**options) -> MultiHeadAttention:
    made = MultiHeadAttention(D_MODEL, HEADS, **options).eval()
    randomise(made)
    return made


def assert_near(actual: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(actual, expected, atol=1e-5, rtol=0)


def test_the_visible_attention_equals_the_fused_one() -> None:
    query, key, value = (torch.randn(2, 4, 5, 8) for _ in range(3))
    mask = padding_mask(torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]), 0)
    found, weights = scaled_dot_product_attention(query, key, value, mask, causal=True)
    both = mask & causal_mask(5, 5)
    wanted = torch.nn.functional.scaled_dot_product_attention(query, key, value, both)
    torch.testing.assert_close(found, wanted, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 4, 5))
    assert (weights.masked_select(~both) == 0).all()


def test_passing_a_trace_does_not_change_the_result() -> None:
    attention = MultiHeadAttention(16, 4).eval()
    x, memory = torch.randn(2, 5, 16), torch.randn(2, 7, 16)
    trace = AttentionTrace()
    for arguments in ({}, {"causal": True}, {"memory": memory}):
        plain = attention(x, **arguments)
        torch.testing.assert_close(attention(x, **arguments, trace=trace), plain, atol=1e-6, rtol=1e-5)
    shapes = [tuple(weights.shape) for weights in trace["attention"]]
    assert shapes == [(2, 4, 5, 5), (2, 4, 5, 5), (2, 4, 5, 7)]


def test_scores_are_divided_by_the_root_of_the_head_size() -> None:
    query, key = torch.randn(1, 1, 1, 64), torch.randn(1, 1, 2, 64)
    _, weights = scaled_dot_product_attention(query, key, torch.eye(2)[None, None])
    logits = [float(query[0, 0, 0] @ key[0, 0, i]) / 8.0 for i in range(2)]
    first = math.exp(logits[0]) / (math.exp(logits[0]) + math.exp(logits[1]))
    assert weights[0, 0, 0, 0].item() == pytest.approx(first, rel=1e-5)


def test_beams_that_share_a_memory_equal_beams_with_copies_of_it() -> None:
    attention = MultiHeadAttention(16, 4).eval()
    memory, x = torch.randn(2, 6, 16), torch.randn(2 * 3, 1, 16)
    mask = padding_mask(torch.tensor([[1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1]]), 0)
    shared = attention(x, attention.project_memory(memory), mask)
    copied = attention(x, memory.repeat_interleave(3, 0), mask.repeat_interleave(3, 0))
    torch.testing.assert_close(shared, copied, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("pieces", [[1] * 40, [5, 1, 34], [33, 7]])
def test_a_cache_that_outgrows_its_first_size_gives_the_same_attention(pieces: list[int]) -> None:
    attention = MultiHeadAttention(16, 4).eval()
    x = torch.randn(2, 40, 16)
    cache = KeyValueCache()
    found = torch.cat([attention(part, causal=True, cache=cache) for part in x.split(pieces, dim=1)], dim=1)
    assert cache.length == 40
    torch.testing.assert_close(found, attention(x, causal=True), atol=1e-5, rtol=1e-5)


def test_attention_dropout_acts_in_training_only() -> None:
    attention = MultiHeadAttention(16, 4, dropout=0.5)
    x = torch.randn(2, 5, 16)
    assert not torch.equal(attention(x), attention(x))
    attention.eval()
    assert torch.equal(attention(x), attention(x))


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match="d_model 10 is not a multiple of num_heads 4"):
        MultiHeadAttention(10, 4)


def test_each_square_block_of_the_fused_weight_is_drawn_on_its_own_scale() -> None:
    attention = MultiHeadAttention(256, 4)
    bound = math.sqrt(6 / 512)
    for block in attention.query_key_value.weight.chunk(3):
        assert bound * 0.98 < block.abs().max().item() <= bound


@given(
    seed=st.integers(0, 2**32 - 1),
    batch=st.integers(1, 3),
    heads=st.integers(1, 3),
    query=st.integers(1, 9),
    extra=st.integers(0, 9),
    masked=st.booleans(),
    causal=st.booleans(),
)
def test_visible_attention_equals_torchs_for_any_shape_and_mask(seed, batch, heads, query, extra, masked, causal):
    torch.manual_seed(seed)
    key_length = query + extra
    query_states, key, value = (torch.randn(batch, heads, n, 8) for n in (query, key_length, key_length))
    mask = None
    if masked:
        mask = torch.rand(batch, 1, query, key_length) < 0.5
        mask[..., 0] = True  # a query that may attend to nothing has no weights to speak of
    hidden = causal_mask(query, key_length)
    whole = (hidden if mask is None else mask & hidden) if causal else mask
    attended, weights = scaled_dot_product_attention(query_states, key, value, mask, causal=causal)
    assert_near(attended, F.scaled_dot_product_attention(query_states, key, value, whole))
    assert_near(weights.sum(-1), torch.ones(batch, heads, query))
    if whole is not None:
        assert weights.masked_select(~whole).eq(0).all()


@pytest.mark.parametrize("bias", [True, False])
def test_self_attention_equals_torchs_multi_head_attention(bias):
    theirs = nn.MultiheadAttention(D_MODEL, HEADS, bias=bias, batch_first=True)
    randomise(theirs)
    ours = attention(bias=bias)
    ours.query_key_value.weight.data.copy_(theirs.in_proj_weight)
    ours.output.weight.data.copy_(theirs.out_proj.weight)
    if bias:
        ours.query_key_value.bias.data.copy_(theirs.in_proj_bias)
        ours.output.bias.data.copy_(theirs.out_proj.bias)
    x, trace = torch.randn(BATCH, QUERY, D_MODEL), AttentionTrace()
    expected, expected_weights = theirs(x, x, x, average_attn_weights=False)
    assert_near(ours(x, trace=trace), expected)
    assert_near(trace["attention"][0], expected_weights)


@pytest.mark.parametrize("causal", [False, True], ids=["sees_all", "causal"])
@pytest.mark.parametrize("masked", [False, True], ids=["full", "padded"])
def test_a_trace_with_masks_changes_no_answer_and_has_rows_that_sum_to_1(causal, masked):
    layer, x, trace = attention(), torch.randn(BATCH, QUERY, D_MODEL), AttentionTrace()
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]).bool()[:, None, None, :] if masked else None
    assert_near(layer(x, mask=mask, causal=causal, trace=trace), layer(x, mask=mask, causal=causal))
    (weights,) = trace["attention"]
    assert weights.shape == (BATCH, HEADS, QUERY, QUERY)
    assert_near(weights.sum(-1), torch.ones(BATCH, HEADS, QUERY))
    if causal:
        assert weights.triu(diagonal=1).eq(0).all()
    if masked:
        assert weights[1, :, :, 3:].eq(0).all()


def test_traced_weights_are_kept_without_their_graph():
    layer, trace = attention(), AttentionTrace()
    layer(torch.randn(BATCH, QUERY, D_MODEL, requires_grad=True), trace=trace)
    assert not trace["attention"][0].requires_grad


def test_projected_memory_equals_memory():
    layer = attention()
    x, memory = torch.randn(BATCH, QUERY, D_MODEL), torch.randn(BATCH, KEY, D_MODEL)
    assert_near(layer(x, layer.project_memory(memory)), layer(x, memory))


def test_attention_dropout_keeps_the_mean():
    layer, x = attention(dropout=0.5), torch.randn(1, 4, D_MODEL)
    exact = layer(x)
    assert torch.equal(layer(x), exact)
    layer.train()
    samples = layer(x.expand(2000, -1, -1))
    assert not torch.equal(samples[0], samples[1])
    standard_error = samples.std(dim=0) / 2000**0.5
    assert ((samples.mean(dim=0) - exact[0]).abs() < 5 * standard_error + 1e-5).all()
