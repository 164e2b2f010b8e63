"""The folded convolution is the reference's convolution and norm, of every size and stride, in every batch."""

from copy import deepcopy
from random import Random

import pytest
import torch
from torch.nn import functional as F

from patchword.engine.convolutions import folded
from patchword.engine.maps import Maps
from patchword.nn.convolution import ConvolutionNorm
from tests.converters.resnet.reference import randomise

# inputs, outputs, kernel, stride, (height, width): panels and blocks of pixels that are whole and that are not
SHAPES = [
    (3, 64, 7, 2, (33, 30)),
    (3, 16, 3, 1, (32, 32)),
    (16, 16, 3, 1, (5, 7)),
    (64, 20, 3, 2, (15, 14)),
    (300, 130, 1, 1, (7, 7)),
    (96, 24, 1, 2, (9, 8)),
    (130, 7, 3, 1, (1, 1)),
    (24, 40, 3, 1, (4, 4)),
    (17, 33, 3, 1, (13, 10)),
    (64, 64, 3, 1, (28, 27)),
    (512, 30, 3, 1, (7, 7)),
]


def layer(inputs: int, outputs: int, kernel: int, stride: int) -> ConvolutionNorm:
    made: ConvolutionNorm = randomise(ConvolutionNorm(inputs, outputs, kernel, stride))
    return made


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("relu", [False, True])
@torch.inference_mode()
def test_it_is_convolution_norm_addition_and_relu(variant: str, shape: tuple, relu: bool) -> None:
    *sizes, size = shape
    made = layer(*sizes)
    ours = folded(made, relu)
    for batch in (1, 3):
        x = torch.randn(batch, sizes[0], *size)
        expected = made(x)
        given = Maps.of(x, ours.padding)
        found = ours(given, room=1)
        torch.testing.assert_close(found.images(), F.relu(expected) if relu else expected, atol=2e-5, rtol=1e-5)
        assert float(found.pixels.sum()) == pytest.approx(float(found.images().sum()), rel=1e-3, abs=1e-3)
        added = torch.randn(expected.shape)
        found = ours(Maps.of(x), Maps.of(added, 2))
        total = expected + added
        if relu or variant != "none":
            torch.testing.assert_close(found.images(), F.relu(total) if relu else total, atol=2e-5, rtol=1e-5)
        assert torch.equal(given.images(), x)


@torch.inference_mode()
def test_random_sizes_of_3x3(variant: str) -> None:
    draw = Random(7)
    for _ in range(25):
        inputs, outputs, batch = draw.randint(16, 140), draw.randint(1, 140), draw.randint(1, 9)
        size = draw.randint(1, 21), draw.randint(1, 21)
        made = layer(inputs, outputs, 3, 1)
        x, added = torch.randn(batch, inputs, *size), torch.randn(batch, outputs, *size)
        given, more = Maps.of(x, draw.randint(0, 2)), Maps.of(added, draw.randint(0, 1))
        found = folded(made, True)(given, more, room=draw.randint(0, 2))
        torch.testing.assert_close(found.images(), F.relu(made(x) + added), atol=3e-5, rtol=1e-5)


@torch.inference_mode()
def test_winograd_is_as_exact_as_sums_in_order(variant: str) -> None:
    made = layer(256, 256, 3, 1)
    x = torch.randn(1, 256, 14, 14).relu()
    exact = deepcopy(made).double()(x.double())
    error = float((folded(made, False)(Maps.of(x)).images() - exact).abs().max() / exact.std())
    assert error < 2e-5


@torch.inference_mode()
@pytest.mark.parametrize("stride", [1, 2])
def test_no_images_give_none(variant: str, stride: int) -> None:
    found = folded(layer(16, 8, 3, stride), True)(Maps.of(torch.zeros(0, 16, 8, 8)))
    assert found.images().shape == (0, 8, 8 // stride, 8 // stride)


def test_other_channels_are_refused(variant: str) -> None:
    with pytest.raises((ValueError, RuntimeError)):
        folded(layer(4, 8, 3, 1), True)(Maps.of(torch.zeros(1, 5, 8, 8)))
