"""Packed products equal plain ones, and do not mix the rows of a batch."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from patchword.engine import native
from patchword.engine.precision import PRECISIONS
from patchword.engine.products import product
from patchword.nn.feed_forward import ACTIVATIONS

# (outputs, inputs): whole panels and groups, neither, and more inputs than are gone through at once.
SIZES = [(64, 32), (65, 130), (19, 37), (7, 1), (40, 1300)]


def expected(x: Tensor, weight: Tensor, bias: Tensor | None, activation: str) -> Tensor:
    y = F.linear(x.double(), weight.double(), None if bias is None else bias.double())
    return (y if activation == "none" else ACTIVATIONS[activation](y)).float()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("activation", ["none", *ACTIVATIONS])
@torch.inference_mode()
def test_float32_equals_a_linear_layer_and_its_activation(variant: str, size: tuple[int, int], activation: str) -> None:
    torch.manual_seed(1)
    weight, bias = torch.randn(size) / size[1] ** 0.5, torch.randn(size[0])
    for rows in (1, 2, 3, 4, 5, 6, 7, 13):
        x = 3 * torch.randn(rows, size[1])
        for some in (bias, None):
            found = product(weight, some, "float32", activation)(x)
            torch.testing.assert_close(found, expected(x, weight, some, activation), atol=1e-5, rtol=1e-5)


def rounded(x: Tensor) -> Tensor:
    return x.bfloat16().float()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("activation", ["none", *ACTIVATIONS])
@torch.inference_mode()
def test_bfloat16_is_a_product_of_what_was_rounded(variant: str, size: tuple[int, int], activation: str) -> None:
    torch.manual_seed(1)
    weight, bias = torch.randn(size) / size[1] ** 0.5, torch.randn(size[0])
    kernels = native.best()
    for rows in (1, 2, 4, 5, 7, 13):
        x = 3 * torch.randn(rows, size[1])
        found = product(weight, bias, "bfloat16", activation)(x)
        if kernels is not None and kernels.multiplies_bfloat16:
            right = expected(rounded(x), rounded(weight), bias, activation)
            torch.testing.assert_close(found, right, atol=1e-5, rtol=1e-5)
        else:
            assert torch.equal(found, product(rounded(weight), bias, "float32", activation)(x))


@torch.inference_mode()
def test_bfloat16_is_rounded_to_the_nearest_and_to_the_even(variant: str) -> None:
    # Between two numbers of bfloat16, at their middle, just beside it, at the largest finite ones and near the smallest
    # normal one: what is smaller, processors that multiply bfloat16 take for zero.
    some = [1 + 1 / 128, 1 + 1 / 256, 1 + 3 / 256, 1 + 1 / 256 + 1e-6, 3.4e38, -3.3e38, 1.3e-38, 0.0, -2.0, 255.5]
    weight = torch.tensor(some)[:, None]
    found = product(weight, None, "bfloat16")(torch.ones(1, 1))[0]
    assert torch.equal(found, rounded(weight)[:, 0])


@pytest.mark.parametrize("activation", ["none", *ACTIVATIONS])
@torch.inference_mode()
def test_int8_is_off_by_a_few_hundredths_at_most(variant: str, activation: str) -> None:
    torch.manual_seed(1)
    weight, bias, x = torch.randn(70, 257), torch.randn(70), torch.randn(50, 257)
    right = expected(x, weight, bias, activation)
    found = product(weight, bias, "int8", activation)(x)
    error = (found - right).std() / right.std()
    assert 0 < error < (0.02 if variant != "none" or torch.cpu._is_vnni_supported() else 0.03)


@torch.inference_mode()
def test_int8_rows_do_not_cost_each_other_accuracy(variant: str) -> None:
    torch.manual_seed(1)
    weight, x = torch.randn(48, 64), torch.randn(9, 64)
    multiply = product(weight, None, "int8")
    x[4] *= 1000
    right = F.linear(x, weight)[:4]
    assert (multiply(x)[:4] - right).std() / right.std() < 0.03


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("size", [(64, 32), (512, 512), (32, 2048)])
@torch.inference_mode()
def test_a_row_does_not_depend_on_the_others(variant: str, size: tuple[int, int], precision: str) -> None:
    if variant == "none" and precision == "int8":
        pytest.skip("torch's product has one range for all rows")
    torch.manual_seed(1)
    multiply = product(torch.randn(size), None, precision)  # type: ignore[arg-type]
    x = torch.randn(70, size[1])
    whole = multiply(x)
    for rows in (1, 2, 3, 7, 16, 33, 64):
        found = multiply(x[:rows])
        if variant == "none":
            torch.testing.assert_close(found, whole[:rows], atol=1e-6 * size[1] ** 0.5, rtol=1e-4)
        else:
            assert torch.equal(found, whole[:rows])


@pytest.mark.parametrize("precision", PRECISIONS)
@torch.inference_mode()
def test_threads_change_nothing(variant: str, precision: str) -> None:
    multiply = product(torch.randn(700, 96), torch.randn(700), precision)  # type: ignore[arg-type]
    xs = [torch.randn(40, 96) for _ in range(4)]
    torch.set_num_threads(1)
    alone = [multiply(x) for x in xs]
    torch.set_num_threads(3)
    try:
        shared = [multiply(x) for x in xs]
        # Calls at the same time: one has the other threads' help, the others none.
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(multiply, xs * 25))
    finally:
        torch.set_num_threads(1)
    for index, found in enumerate([*shared, *together]):
        torch.testing.assert_close(found, alone[index % 4], atol=0 if variant != "none" else 1e-5, rtol=0)


@torch.inference_mode()
def test_rows_of_equal_values_and_channels_of_zeros_are_exact_in_int8(variant: str) -> None:
    weight = torch.randn(4, 8)
    weight[2] = 0
    multiply = product(weight, None, "int8")
    assert multiply(torch.randn(3, 8))[:, 2].tolist() == [0, 0, 0]
    assert multiply(torch.zeros(2, 8)).tolist() == [[0.0] * 4] * 2


@torch.inference_mode()
def test_what_the_kernels_cannot_read_is_refused(variant: str) -> None:
    if variant == "none":
        pytest.skip("torch checks its own arguments")
    multiply = product(torch.randn(4, 8), None, "float32")
    for x in (torch.randn(2, 8, dtype=torch.float64), torch.randn(2, 8).half()):
        with pytest.raises(ValueError, match="the engine reads"):
            multiply(x)
    with pytest.raises(ValueError, match="7 features for a product of 8"):
        multiply(torch.randn(2, 7))


@torch.inference_mode()
def test_the_default_type_changes_nothing(variant: str) -> None:
    weight, x = torch.randn(40, 8), torch.randn(3, 8)
    torch.set_default_dtype(torch.float64)
    try:
        found = [product(weight, None, precision)(x) for precision in PRECISIONS]
    finally:
        torch.set_default_dtype(torch.float32)
    torch.testing.assert_close(found[0], x @ weight.T, atol=1e-5, rtol=1e-5)
    assert {y.dtype for y in found} == {torch.float32}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("precision", PRECISIONS)
@torch.inference_mode()
def test_what_is_no_number_is_not_made_one(variant: str, precision: str, value: float) -> None:
    multiply = product(torch.randn(70, 37), torch.randn(70), precision, "gelu")  # type: ignore[arg-type]
    for column in (0, 15, 36):
        x = torch.randn(5, 37)
        right = multiply(x)
        x[2, column] = value
        found = multiply(x)
        others = [0, 1, 3, 4]
        torch.testing.assert_close(found[others], right[others], atol=1e-5, rtol=1e-5)
        for some in (found[2], multiply(x[2:3])[0]):
            assert not some.isfinite().any() if precision == "int8" or value != value else not some.isfinite().all()


@torch.inference_mode()
def test_no_rows_are_no_rows(variant: str) -> None:
    for precision in PRECISIONS:
        assert product(torch.randn(5, 8), None, precision)(torch.randn(0, 8)).shape == (0, 5)
