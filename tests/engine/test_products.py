"""Packed products equal plain ones, and do not mix the rows of a batch."""

import pytest
import torch
from torch.nn import functional as F

from patchword.engine.products import OWN_KERNELS, PackedProduct, PlainProduct, QuantisedProduct, product
from patchword.nn.feed_forward import ACTIVATIONS


@pytest.mark.parametrize("kind", [PackedProduct, PlainProduct])
@pytest.mark.parametrize("activation", ["none", *ACTIVATIONS])
@torch.inference_mode()
def test_float32_equals_a_linear_layer_and_its_activation(kind: type, activation: str) -> None:
    torch.manual_seed(1)
    weight, bias, x = torch.randn(24, 16), torch.randn(24), torch.randn(5, 16)
    expected = F.linear(x, weight, bias)
    if activation != "none":
        expected = ACTIVATIONS[activation](expected)
    torch.testing.assert_close(kind(weight, bias, activation)(x), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(kind(weight, None)(x), F.linear(x, weight), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("activation", ["none", *ACTIVATIONS])
@torch.inference_mode()
def test_int8_is_off_by_a_few_hundredths_at_most(activation: str) -> None:
    torch.manual_seed(1)
    weight, bias, x = torch.randn(64, 256), torch.randn(64), torch.randn(50, 256)
    expected = F.linear(x, weight, bias)
    if activation != "none":
        expected = ACTIVATIONS[activation](expected)
    found = QuantisedProduct(weight, bias, activation)(x)
    error = (found - expected).std() / expected.std()
    assert 0 < error < (0.02 if torch.cpu._is_vnni_supported() else 0.03)


@pytest.mark.parametrize("size", [(64, 32), (512, 512), (32, 2048)])
@torch.inference_mode()
def test_a_row_does_not_depend_on_the_others(size: tuple[int, int]) -> None:
    torch.manual_seed(1)
    multiply = product(torch.randn(size), None, "float32")
    x = torch.randn(70, size[1])
    whole = multiply(x)
    for rows in (2, 3, 7, 16, 33, 64):
        torch.testing.assert_close(multiply(x[:rows]), whole[:rows], atol=1e-6 * size[1] ** 0.5, rtol=0)


@torch.inference_mode()
def test_a_channel_of_zeros_stays_zero_in_int8() -> None:
    weight = torch.randn(4, 8)
    weight[2] = 0
    assert QuantisedProduct(weight, None)(torch.randn(3, 8))[:, 2].tolist() == [0, 0, 0]


@torch.inference_mode()
def test_rows_that_are_rounded_up_keep_their_number_and_values() -> None:
    weight, x = torch.randn(8, 16), torch.randn(700, 16)
    multiply = PackedProduct(weight, None)
    for rows in (*range(1, 40), 65, 100, 513, 700):
        torch.testing.assert_close(multiply(x[:rows]), F.linear(x[:rows], weight), atol=1e-5, rtol=1e-5)
    assert len(multiply._seen) == OWN_KERNELS
