"""The engine's attention equals torch's, with beams that share entries and sentences of several lengths."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from patchword.engine.attention import attend


def rows_of(attended: Tensor) -> Tensor:
    """(slots, heads, queries, head_size) to (slots * queries, d_model)."""
    return attended.transpose(1, 2).flatten(2).flatten(0, 1)


@pytest.mark.parametrize("head_size", [3, 16, 64, 72])
@pytest.mark.parametrize("length", [1, 5, 16, 30, 70])
@torch.inference_mode()
def test_a_sequence_attends_to_itself(variant: str, length: int, head_size: int) -> None:
    torch.manual_seed(1)
    query, key, value = torch.randn(2, length, 3, 4, head_size).unbind(2)
    key, value = key.transpose(1, 2), value.transpose(1, 2)
    right = F.scaled_dot_product_attention(query.transpose(1, 2), key, value, scale=1.0)
    torch.testing.assert_close(attend(query, key, value, length), rows_of(right), atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_a_sentence_sees_its_own_tokens_alone(variant: str) -> None:
    torch.manual_seed(1)
    query, key, value = torch.randn(3, 2, 4, 16), torch.randn(3, 4, 9, 16), torch.randn(3, 4, 9, 16)
    counts = torch.tensor([9, 1, 6])
    seen = (torch.arange(9) < counts[:, None])[:, None, None]
    right = F.scaled_dot_product_attention(query.transpose(1, 2), key, value, attn_mask=seen, scale=1.0)
    torch.testing.assert_close(attend(query, key, value, 9, counts), rows_of(right), atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_a_hypothesis_sees_its_own_past_alone(variant: str) -> None:
    torch.manual_seed(1)
    slots, beam, heads, positions, room = 2, 3, 4, 7, 10
    query = torch.randn(slots, beam, heads, 16)
    key, value = torch.randn(2, slots, heads, room * beam, 16)
    past = torch.randint(0, beam, (slots * beam, room))
    found = attend(query, key, value, positions, past=past).view(slots, beam, heads * 16)
    for slot in range(slots):
        for hypothesis in range(beam):
            own = torch.arange(positions) * beam + past[slot * beam + hypothesis, :positions]
            right = F.scaled_dot_product_attention(
                query[slot, hypothesis, :, None], key[slot][:, own], value[slot][:, own], scale=1.0
            )
            torch.testing.assert_close(found[slot, hypothesis], right.flatten(), atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_large_scores_stay_finite(variant: str) -> None:
    query, key = torch.full((1, 1, 1, 16), 30.0), torch.full((1, 1, 3, 16), 30.0)
    key[:, :, 1] = -30.0
    value = torch.eye(3, 16)[None, None]
    torch.testing.assert_close(attend(query, key, value, 3)[0, :3], torch.tensor([0.5, 0.0, 0.5]))
