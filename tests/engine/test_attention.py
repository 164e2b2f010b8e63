"""The engine's attention equals torch's, with beams that share entries and sentences of several lengths.

Keys and values in bfloat16 are what float32 makes of the same values, to the bit.
"""

from typing import Any

import numpy
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from patchword.engine.attention import attend
from patchword.engine.module_weights import ModuleWeights
from patchword.engine.native_layers import NativeDecoder
from patchword.models.transformer import Transformer
from patchword.models.transformer_config import TransformerConfig


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


@pytest.mark.parametrize("head_size", [3, 16, 24, 64, 72])
@torch.inference_mode()
def test_keys_and_values_in_bfloat16_are_read_as_they_are(variant: str, head_size: int) -> None:
    torch.manual_seed(1)
    slots, beam, heads, positions = 3, 2, 4, 13
    query = torch.randn(slots, beam, heads, head_size)
    key, value = torch.randn(2, slots, heads, positions * beam, head_size).bfloat16()
    past, counts = torch.randint(0, beam, (slots * beam, positions)), torch.tensor([13, 1, 6])
    for how in ({"past": past}, {"counts": counts}, {}):
        found = attend(query, key, value, positions, **how)
        right = attend(query, key.float(), value.float(), positions, **how)
        assert torch.equal(found, right)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
@pytest.mark.parametrize("d_model", [10, 32, 48])
def test_a_decoder_remembers_the_source_in_half_of_float32_beside_smaller_products(
    kernel_set: str, precision: Any, d_model: int
) -> None:
    torch.manual_seed(1)
    sizes = {"d_model": d_model, "num_heads": 2, "encoder_layers": 1, "decoder_layers": 2, "d_ff": 16}
    config = TransformerConfig.parse({"source_vocab_size": 30, "target_vocab_size": 30, **sizes}, "t")
    decoder = NativeDecoder(ModuleWeights(Transformer(config).eval(), consume=False), config, precision)
    rows = numpy.random.default_rng(1).standard_normal((9, d_model), dtype=numpy.float32)
    starts, counts = numpy.array([5, 0, 3]), numpy.array([4, 3, 2])
    found = decoder.start(rows, starts, counts)
    assert found.shape == (2, 2, 3, 2, 4, d_model // 2)
    assert found.dtype == (numpy.float32 if precision == "float32" else numpy.uint16)
    stored = torch.from_numpy(found) if precision == "float32" else torch.from_numpy(found.view(numpy.int16))
    for index, weight in enumerate(decoder.memory):
        projected = torch.from_numpy(weight.product(rows)).view(9, 2, 2, d_model // 2)
        for slot, (start, count) in enumerate(zip(starts, counts, strict=True)):
            right = projected[start : start + count].permute(1, 2, 0, 3)
            if precision != "float32":
                right = right.bfloat16().view(torch.int16)
            assert torch.equal(stored[index, :, slot, :, :count], right)


@torch.inference_mode()
def test_large_scores_stay_finite(variant: str) -> None:
    query, key = torch.full((1, 1, 1, 16), 30.0), torch.full((1, 1, 3, 16), 30.0)
    key[:, :, 1] = -30.0
    value = torch.eye(3, 16)[None, None]
    torch.testing.assert_close(attend(query, key, value, 3)[0, :3], torch.tensor([0.5, 0.0, 0.5]))
