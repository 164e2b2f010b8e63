import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from patchword.nn.attention import MultiHeadAttention, scaled_dot_product_attention
from patchword.nn.cache import KeyValueCache
from patchword.nn.masks import causal_mask
from patchword.nn.trace import AttentionTrace
from tests.nn.torch_reference import randomise

BATCH, QUERY, KEY, D_MODEL, HEADS = 2, 5, 7, 24, 3


def attention(**options) -> MultiHeadAttention:
    made = MultiHeadAttention(D_MODEL, HEADS, **options).eval()
    randomise(made)
    return made


def assert_near(actual: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(actual, expected, atol=1e-5, rtol=0)


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
def test_a_trace_changes_no_answer(causal, masked):
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


@pytest.mark.parametrize("beam", [1, 2, 4])
def test_beams_that_share_a_memory_equal_a_copy_of_it_for_each(beam):
    layer = attention()
    x, memory = torch.randn(BATCH * beam, 1, D_MODEL), torch.randn(BATCH, KEY, D_MODEL)
    mask = (torch.arange(KEY) < torch.tensor([[7], [3]]))[:, None, None, :]
    copied = layer(x, memory.repeat_interleave(beam, dim=0), mask.repeat_interleave(beam, dim=0))
    assert_near(layer(x, layer.project_memory(memory), mask), copied)


def test_a_cache_gives_the_same_answer_in_portions():
    layer, x = attention(), torch.randn(BATCH, 70, D_MODEL)
    cache = KeyValueCache()
    portions = [layer(part, causal=True, cache=cache) for part in x.split([1, 1, 30, 2, 36], dim=1)]
    assert_near(torch.cat(portions, dim=1), layer(x, causal=True))
    assert cache.length == 70


def test_dropout_of_weights_acts_in_training_only_and_keeps_the_mean():
    layer, x = attention(dropout=0.5), torch.randn(1, 4, D_MODEL)
    exact = layer(x)
    assert torch.equal(layer(x), exact)
    layer.train()
    samples = torch.stack([layer(x) for _ in range(1500)])
    assert not torch.equal(samples[0], samples[1])
    standard_error = samples.std(dim=0) / 1500**0.5
    assert ((samples.mean(dim=0) - exact).abs() < 5 * standard_error + 1e-5).all()


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="d_model 10 is not a multiple of num_heads 3"):
        MultiHeadAttention(10, 3)


def test_each_of_the_four_matrices_starts_xavier_uniform():
    layer = MultiHeadAttention(64, 4)
    bound = (6 / (64 + 64)) ** 0.5
    for block in (*layer.query_key_value.weight.chunk(3), layer.output.weight):
        assert 0.95 * bound < block.abs().max() <= bound
    assert layer.query_key_value.bias.eq(0).all()
    assert layer.output.bias.eq(0).all()
