import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from patchword.nn.dropout import Dropout, DropPath, dropout


@pytest.mark.parametrize("probability", [0.05, 0.1, 0.25, 0.5, 0.9])
def test_the_share_of_zeros_is_near_the_probability_and_the_mean_is_kept(probability):
    count = 400_000
    dropped = dropout(torch.ones(count), probability, training=True)
    deviation = math.sqrt(probability * (1 - probability) / count)
    # The probability is rounded to a multiple of 1/256, and the scale fits the rounded one.
    assert abs((dropped == 0).double().mean().item() - probability) < 1 / 512 + 5 * deviation
    assert abs(dropped.double().mean().item() - 1.0) < 5 * deviation / (1 - probability - 1 / 512)
    assert len(dropped.unique()) == 2


@given(shape=st.lists(st.integers(0, 7), min_size=0, max_size=4), probability=st.floats(0, 1, exclude_max=True))
def test_any_shape_and_probability_give_zeros_and_one_scale(shape, probability):
    dropped = dropout(torch.ones(shape), probability, training=True)
    assert dropped.shape == torch.Size(shape)
    assert torch.isfinite(dropped).all()
    assert len(dropped[dropped != 0].unique()) <= 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
def test_the_type_is_kept(dtype):
    assert dropout(torch.ones(10, dtype=dtype), 0.5, training=True).dtype == dtype


def test_the_gradient_goes_where_the_value_went():
    x = torch.ones(1000, requires_grad=True)
    dropped = dropout(x, 0.3, training=True)
    dropped.sum().backward()
    assert torch.equal(x.grad, dropped)


def test_elements_are_dropped_independently():
    dropped = dropout(torch.ones(64, 10_000), 0.5, training=True) == 0
    correlation = torch.corrcoef(dropped.float())
    assert (correlation - torch.eye(64)).abs().max() < 0.06


def test_evaluation_is_the_identity():
    layer, x = Dropout(0.7).eval(), torch.randn(100)
    assert torch.equal(layer(x), x)


def test_a_probability_of_zero_is_the_identity_and_draws_nothing():
    layer, x, before = Dropout(0.0), torch.randn(100), torch.get_rng_state()
    assert torch.equal(layer(x), x)
    assert torch.equal(torch.get_rng_state(), before)


def test_torchs_seed_decides_what_is_dropped():
    layer, x = Dropout(0.5), torch.ones(1000)
    torch.manual_seed(7)
    first, second = layer(x), layer(x)
    torch.manual_seed(7)
    assert torch.equal(layer(x), first)
    assert not torch.equal(first, second)


@pytest.mark.parametrize("probability", [-0.1, 1.0, 1.5, math.nan])
def test_a_probability_outside_its_range_is_refused(probability):
    with pytest.raises(ValueError, match=r"must be in \[0, 1\), not"):
        Dropout(probability)


def test_drop_path_drops_whole_samples_and_keeps_the_expectation():
    samples, probability = 20_000, 0.3
    dropped = DropPath(probability)(torch.ones(samples, 2, 3))
    per_sample = dropped.flatten(1)
    assert torch.equal(per_sample, per_sample[:, :1].expand_as(per_sample))
    assert per_sample.unique().tolist() == pytest.approx([0.0, 1 / 0.7])
    deviation = math.sqrt(probability / (1 - probability) / samples)
    assert abs(dropped.mean().item() - 1.0) < 5 * deviation


def test_drop_path_is_the_identity_in_evaluation():
    x = torch.randn(50, 3)
    assert torch.equal(DropPath(0.9).eval()(x), x)
