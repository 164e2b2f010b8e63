import math

import torch
from torch.nn import functional as F

from patchword.nn.embeddings import OutputProjection, TokenEmbedding

TOKENS = torch.tensor([[3, 1, 0], [2, 0, 0]])


def test_a_token_has_its_row_times_the_root_of_the_width():
    embedding = TokenEmbedding(5, 16, pad_id=0)
    assert torch.equal(embedding(TOKENS), embedding.weight[TOKENS] * 4.0)


def test_scaling_can_be_left_out():
    embedding = TokenEmbedding(5, 16, pad_id=0, scaled=False)
    assert torch.equal(embedding(TOKENS), embedding.weight[TOKENS])


def test_vectors_start_with_unit_variance_after_scaling():
    embedding = TokenEmbedding(2000, 64, pad_id=0)
    assert abs(embedding(torch.arange(1, 2000)[None]).std().item() - 1.0) < 0.02


def test_padding_is_zero_and_gets_no_gradient():
    embedding = TokenEmbedding(5, 16, pad_id=0)
    embedding(TOKENS).sum().backward()
    assert embedding.weight[0].eq(0).all()
    assert embedding.weight.grad[0].eq(0).all()
    assert embedding.weight.grad[1:4].eq(4.0).all()


def test_an_output_of_its_own_is_a_linear_layer():
    output = OutputProjection(7, 16, bias=True)
    output.bias.data.normal_()
    hidden = torch.randn(2, 3, 16)
    torch.testing.assert_close(output(hidden), hidden @ output.weight.T + output.bias)
    assert math.isclose(OutputProjection(3000, 64).weight.std().item(), 64**-0.5, rel_tol=0.02)


def test_a_tied_output_is_the_embedding_itself():
    embedding = TokenEmbedding(7, 16, pad_id=0)
    output = OutputProjection(7, 16, tied=embedding)
    hidden = torch.randn(2, 16)
    assert output.weight is embedding.weight
    assert output.bias is None
    assert torch.equal(output(hidden), F.linear(hidden, embedding.weight))
