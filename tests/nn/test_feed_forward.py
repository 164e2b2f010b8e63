import math

import pytest
import torch

from patchword.nn.feed_forward import ACTIVATIONS, FeedForward


def gelu(x: float) -> float:
    return x * 0.5 * (1 + math.erf(x / math.sqrt(2)))


def gelu_tanh(x: float) -> float:
    return 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


FORMULAS = {
    "relu": lambda x: max(0.0, x),
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "silu": lambda x: x / (1 + math.exp(-x)),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_follows_its_formula(name):
    x = torch.linspace(-4, 4, 41)
    expected = torch.tensor([FORMULAS[name](value) for value in x.tolist()])
    torch.testing.assert_close(ACTIVATIONS[name](x), expected, atol=1e-6, rtol=0)


def test_two_linear_layers_with_the_activation_between():
    network, x = FeedForward(6, 10, "silu"), torch.randn(2, 3, 6)
    inner, outer = network.inner, network.outer
    between = x @ inner.weight.T + inner.bias
    expected = between * between.sigmoid() @ outer.weight.T + outer.bias
    torch.testing.assert_close(network(x), expected, atol=1e-6, rtol=0)


def test_dropout_stands_between_the_two_layers():
    network = FeedForward(6, 10, "relu", dropout=0.5, bias=False)
    with torch.no_grad():
        network.inner.weight.copy_(torch.eye(10, 6).abs())
        network.outer.weight.copy_(torch.eye(6, 10))
    x = torch.ones(4000, 6)
    assert torch.equal(network.eval()(x), x)
    assert set(network.train()(x).unique().tolist()) == {0.0, 2.0}


def test_biases_can_be_left_out_and_start_at_zero():
    assert [name for name, _ in FeedForward(6, 10, bias=False).named_parameters()] == ["inner.weight", "outer.weight"]
    assert FeedForward(6, 10).inner.bias.eq(0).all()
