import math

import pytest
import torch

from patchword.nn.attention import MultiHeadAttention, scaled_dot_product_attention
from patchword.nn.cache import KeyValueCache
from patchword.nn.masks import causal_mask, padding_mask
from patchword.nn.trace import AttentionTrace


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
