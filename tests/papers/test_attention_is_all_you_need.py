"""What Vaswani et al. 2017 says, equation by equation and table by table."""

import math

import pytest
import torch

from patchword.models.transformer import SIZES, Transformer, TransformerConfig
from patchword.nn.masks import causal_mask
from patchword.nn.positions import sinusoidal_table
from patchword.text.hypothesis import length_penalty
from patchword.text.search import SearchOptions
from patchword.training.recipe import OptimizerConfig, ScheduleConfig
from patchword.training.schedule import learning_rate_factor


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
