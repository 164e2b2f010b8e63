"""What Vaswani et al. 2017 says, equation by equation and table by table."""

import math

import pytest
import torch

from patchword.models.transformer import Transformer
from patchword.models.transformer_config import SIZES, TransformerConfig
from patchword.nn.attention import MultiHeadAttention, scaled_dot_product_attention
from patchword.nn.decoder import DecoderLayer
from patchword.nn.encoder import EncoderLayer, LayerOptions
from patchword.nn.feed_forward import FeedForward
from patchword.nn.masks import causal_mask
from patchword.nn.positions import sinusoidal_table
from patchword.text.hypothesis import length_penalty
from patchword.text.search import SearchOptions
from patchword.training.losses import linear_cross_entropy, smooth_one_hot
from patchword.training.recipe import OptimizerConfig, ScheduleConfig
from patchword.training.schedule import learning_rate_factor


def test_section_3_1_encoder_sublayers_are_norm_of_x_plus_sublayer_of_x() -> None:
    layer, x = EncoderLayer(LayerOptions(16, 2, 32)), torch.randn(2, 5, 16)
    after_attention = layer.self_attention_residual.norm(x + layer.self_attention(x))
    expected = layer.feed_forward_residual.norm(after_attention + layer.feed_forward(after_attention))
    torch.testing.assert_close(layer(x), expected, atol=1e-6, rtol=0)


def test_section_3_1_decoder_attends_to_itself_then_to_the_encoders_output() -> None:
    layer, x, memory = DecoderLayer(LayerOptions(16, 2, 32)), torch.randn(2, 5, 16), torch.randn(2, 7, 16)
    first = layer.self_attention_residual.norm(x + layer.self_attention(x, causal=True))
    second = layer.cross_attention_residual.norm(first + layer.cross_attention(first, memory))
    expected = layer.feed_forward_residual.norm(second + layer.feed_forward(second))
    torch.testing.assert_close(layer(x, memory), expected, atol=1e-6, rtol=0)


def test_equation_1_scaled_dot_product_attention() -> None:
    query, key, value = torch.randn(3, 4), torch.randn(5, 4), torch.randn(5, 4)
    attended, weights = scaled_dot_product_attention(query[None, None], key[None, None], value[None, None])
    for i in range(3):
        scores = [
            math.exp(sum(query[i, d].item() * key[j, d].item() for d in range(4)) / math.sqrt(4)) for j in range(5)
        ]
        assert weights[0, 0, i].tolist() == pytest.approx([score / sum(scores) for score in scores], abs=1e-6)
        mean = sum(score / sum(scores) * value[j] for j, score in enumerate(scores))
        torch.testing.assert_close(attended[0, 0, i], mean, atol=1e-5, rtol=0)


def test_section_3_2_2_heads_are_separate_attentions_concatenated_and_projected() -> None:
    attention, x = MultiHeadAttention(12, 3), torch.randn(1, 5, 12)
    query, key, value = attention.query_key_value.weight.chunk(3)
    heads = []
    for head in range(3):
        rows = slice(4 * head, 4 * head + 4)
        q, k, v = (x[0] @ weight[rows].T for weight in (query, key, value))
        heads.append((q @ k.T / math.sqrt(4)).softmax(-1) @ v)
    torch.testing.assert_close(attention(x)[0], attention.output(torch.cat(heads, -1)), atol=1e-5, rtol=0)


def test_equation_2_feed_forward() -> None:
    network, x = FeedForward(8, 32), torch.randn(2, 5, 8)
    w1, b1, w2, b2 = network.inner.weight.T, network.inner.bias, network.outer.weight.T, network.outer.bias
    torch.testing.assert_close(network(x), torch.clamp(x @ w1 + b1, min=0) @ w2 + b2, atol=1e-6, rtol=0)


def test_section_5_4_label_smoothing_of_a_tenth() -> None:
    hidden, weight, targets = torch.randn(3, 4), torch.randn(5, 4), torch.tensor([0, 4, 2])
    distributions = smooth_one_hot(targets, 5, 0.1)
    assert distributions[0].tolist() == pytest.approx([0.92, 0.02, 0.02, 0.02, 0.02])
    expected = -(distributions * (hidden @ weight.T).log_softmax(-1)).sum()
    torch.testing.assert_close(linear_cross_entropy(hidden, weight, None, targets, 0.1)[0], expected)


@pytest.mark.parametrize("layout", ["interleaved", "halves"])
def test_section_3_5_positional_encoding(layout: str) -> None:
    d_model = 32
    table = sinusoidal_table(300, d_model, layout)
    for position in (0, 1, 2, 17, 299):
        for i in range(d_model // 2):
            angle = position / 10000 ** (2 * i / d_model)
            sine, cosine = (2 * i, 2 * i + 1) if layout == "interleaved" else (i, d_model // 2 + i)
            assert table[position, sine].item() == pytest.approx(math.sin(angle), abs=1e-6)
            assert table[position, cosine].item() == pytest.approx(math.cos(angle), abs=1e-6)


def test_section_3_2_3_masked_self_attention_sees_itself_and_what_came_before() -> None:
    assert causal_mask(3, 3).tolist() == [[True, False, False], [True, True, False], [True, True, True]]
    assert causal_mask(2, 4).tolist() == [[True, True, True, False], [True, True, True, True]]


def test_section_3_4_embeddings_and_output_share_one_matrix_scaled_by_the_root_of_d_model() -> None:
    model = Transformer(TransformerConfig.named("tiny", 50, 50))
    assert model.source_embedding.weight is model.target_embedding.weight is model.output.weight
    tokens = torch.tensor([[7]])
    assert torch.allclose(model.source_embedding(tokens)[0, 0], model.output.weight[7] * math.sqrt(128))


def test_equation_3_learning_rate() -> None:
    d_model, warmup = 512, 4000
    schedule = ScheduleConfig(name="inverse_sqrt", warmup_steps=warmup)
    peak = d_model**-0.5 * warmup**-0.5
    for step in (1, 100, 4000, 4001, 100_000):
        wanted = d_model**-0.5 * min(step**-0.5, step * warmup**-1.5)
        assert peak * learning_rate_factor(schedule, step, None) == pytest.approx(wanted, rel=1e-6)


def test_section_5_3_optimizer() -> None:
    config = OptimizerConfig()
    assert (config.betas, config.eps) == ((0.9, 0.98), 1e-9)


def test_section_6_1_search() -> None:
    options = SearchOptions()
    assert (options.method, options.beam, options.length_penalty, options.max_extra) == ("beam", 4, 0.6, 50)
    assert length_penalty(10, 0.6) == pytest.approx((15 / 6) ** 0.6)


def test_table_3_sizes() -> None:
    base, big = SIZES["base"], SIZES["big"]
    assert base == {"d_model": 512, "num_heads": 8, "encoder_layers": 6, "decoder_layers": 6, "d_ff": 2048}
    assert big == {"d_model": 1024, "num_heads": 16, "encoder_layers": 6, "decoder_layers": 6, "d_ff": 4096}
    for size, millions in (("base", 65), ("big", 213)):
        with torch.device("meta"):
            model = Transformer(TransformerConfig.named(size, 37_000, 37_000))
        assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(millions, rel=0.04)
    assert TransformerConfig(source_vocab_size=10, target_vocab_size=10).dropout == 0.1
