"""A vocabulary's weights are kept once, and looked up where they are kept."""

from typing import Any

import pytest
import torch

from patchword.engine import native
from patchword.engine.embeddings import PackedEmbedding, QuantisedEmbedding, RoundedEmbedding, packed_vocabulary
from patchword.models.recurrent import Recurrent, RecurrentConfig
from patchword.models.transformer import Transformer, TransformerConfig
from patchword.nn.embeddings import TokenEmbedding

PLAIN: dict[str, Any] = {
    "float32": lambda embedding: embedding,
    "bfloat16": RoundedEmbedding,
    "int8": QuantisedEmbedding,
}
SIZES = {"source_vocab_size": 75, "target_vocab_size": 75, "num_heads": 2, "encoder_layers": 1, "decoder_layers": 1}


def transformer(width: int = 18, **more: Any) -> Transformer:
    values = {**SIZES, "d_model": width, "d_ff": 8, **more}
    return Transformer(TransformerConfig.parse(values, "a test")).eval()


@pytest.mark.parametrize("width", [2, 18, 34])
@pytest.mark.parametrize("precision", PLAIN)
@torch.inference_mode()
def test_a_row_of_the_output_projection_is_the_embeddings(variant: str, precision: Any, width: int) -> None:
    model = transformer(width)
    source, target, _ = packed_vocabulary(model, precision, consume=False)
    expected = PLAIN[precision](model.source_embedding)
    tokens = torch.tensor([[0, 3, 74, 16], [15, 31, 64, 63]])
    assert source is target
    assert isinstance(source, PackedEmbedding) == (variant != "none")
    assert torch.equal(source(tokens), expected(tokens))
    assert torch.equal(source(tokens[:, ::2].t()), expected(tokens[:, ::2].t()))
    assert source(tokens[:0]).shape == (0, 4, width)


@torch.inference_mode()
def test_a_token_that_there_is_not_is_an_error(variant: str) -> None:
    source, _, _ = packed_vocabulary(transformer(), "float32", consume=False)
    for token in (75, -1):
        with pytest.raises(IndexError):
            source(torch.tensor([[3, token]]))


@pytest.mark.parametrize("precision", PLAIN)
@torch.inference_mode()
def test_weights_of_their_own_stay_so(variant: str, precision: Any) -> None:
    model = transformer(share_embeddings=False, tie_output=False)
    source, target, output = packed_vocabulary(model, precision, consume=True)
    tokens, hidden = torch.tensor([[5, 9]]), torch.randn(3, 18)
    torch.manual_seed(0)
    assert not any(isinstance(each, PackedEmbedding) for each in (source, target))
    assert (source is model.source_embedding) == (precision == "float32")
    assert source(tokens).shape == target(tokens).shape == (1, 2, 18)
    assert output(hidden).shape == (3, 75)
    # What is packed is given up, and what runs on as it was is not.
    left = {name for name in ("source_embedding", "target_embedding", "output") if getattr(model, name).weight.numel()}
    assert left == ({"source_embedding", "target_embedding"} if precision == "float32" else set())


@pytest.mark.parametrize("precision", PLAIN)
@torch.inference_mode()
def test_one_that_is_shared_by_the_target_alone_is_kept_once(variant: str, precision: Any) -> None:
    model = transformer(share_embeddings=False)
    expected = [PLAIN[precision](each) for each in (model.source_embedding, model.target_embedding)]
    tokens = torch.tensor([[5, 9, 74]])
    right = [embedding(tokens) for embedding in expected]
    source, target, _ = packed_vocabulary(model, precision, consume=variant != "none" and precision != "float32")
    assert isinstance(target, PackedEmbedding) == (variant != "none")
    assert not isinstance(source, PackedEmbedding)
    assert torch.equal(source(tokens), right[0])
    assert torch.equal(target(tokens), right[1])


@torch.inference_mode()
def test_an_rnns_too(variant: str) -> None:
    sizes = {"source_vocab_size": 40, "target_vocab_size": 40, "embedding_size": 12, "hidden_size": 16}
    model = Recurrent(RecurrentConfig.parse(sizes, "a test")).eval()
    source, target, _ = packed_vocabulary(model, "float32", consume=False)
    assert isinstance(target, PackedEmbedding if native.best() else TokenEmbedding)
    tokens = torch.tensor([[5, 9, 39]])
    assert torch.equal(target(tokens), model.target_embedding(tokens))
    assert torch.equal(source(tokens), model.source_embedding(tokens))
