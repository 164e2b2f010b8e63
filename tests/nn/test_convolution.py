import pytest
import torch
from torch import nn

from patchword.nn.convolution import BatchNorm, Blur, Convolution, ConvolutionNorm


def test_weights_are_drawn_by_the_number_of_outputs():
    weight = Convolution(64, 256, 3).weight
    assert float(weight.detach().std()) == pytest.approx((2 / (256 * 9)) ** 0.5, rel=0.02)


def test_nothing_is_drawn_on_the_meta_device():
    before = torch.get_rng_state()
    with torch.device("meta"):
        assert Convolution(3, 4, 3).weight.is_meta
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("kernel_size", "stride", "expected"), [(3, 1, 9), (3, 2, 5), (7, 2, 5), (1, 2, 5)])
def test_stride_one_keeps_the_size_and_others_round_up(kernel_size, stride, expected):
    assert Convolution(3, 4, kernel_size, stride)(torch.zeros(1, 3, 9, 9)).shape == (1, 4, expected, expected)


def test_batch_norm_is_torchs_without_the_counter():
    ours, theirs = BatchNorm(6, eps=1e-3, momentum=0.2), nn.BatchNorm2d(6, eps=1e-3, momentum=0.2)
    x = torch.randn(4, 6, 5, 5) * 3 + 1
    assert torch.equal(ours(x), theirs(x))
    expected = theirs.state_dict()
    del expected["num_batches_tracked"]
    assert ours.state_dict().keys() == expected.keys()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in ours.state_dict().items())
    assert torch.equal(ours.eval()(x), theirs.eval()(x))


def test_a_move_of_the_statistics_counts_as_a_change():
    norm = BatchNorm(2)
    before = norm.running_mean._version, norm.running_var._version
    norm.eval()(torch.randn(2, 2, 3, 3))
    assert (norm.running_mean._version, norm.running_var._version) == before
    norm.train()(torch.randn(2, 2, 3, 3)).sum().backward()
    assert (norm.running_mean._version, norm.running_var._version) == (before[0] + 1, before[1] + 1)


def test_one_value_a_channel_is_normalised_by_the_running_statistics():
    norm = BatchNorm(6)
    norm(torch.randn(8, 6, 4, 4) * 2 + 1)
    before = {name: buffer.clone() for name, buffer in norm.named_buffers()}
    x = torch.randn(1, 6, 1, 1)
    expected = (x - norm.running_mean[:, None, None]) / (norm.running_var + norm.eps).sqrt()[:, None, None]
    assert torch.allclose(norm(x), expected)
    assert all(torch.equal(buffer, before[name]) for name, buffer in norm.named_buffers())


def test_batch_norm_loads_a_plain_dictionary():
    norm = BatchNorm(2)
    plain = {name: torch.full((2,), 0.5) for name in ("weight", "bias", "running_mean", "running_var")}
    norm.load_state_dict(plain)
    assert norm.running_var.tolist() == [0.5, 0.5]


def test_a_convolution_is_followed_by_its_norm():
    layer = ConvolutionNorm(3, 4, 3, 2)
    x = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(layer(x), nn.functional.batch_norm(layer.convolution(x), None, None, training=True))


def test_a_blur_weighs_neighbours_one_two_one_and_halves():
    x = torch.zeros(1, 2, 6, 6)
    x[0, 1, 2, 2] = 16
    expected = torch.zeros(1, 2, 3, 3)
    expected[0, 1, 1, 1] = 4
    assert torch.equal(Blur()(x), expected)
    x[0, 1, 2, 3] = 16  # between two that are kept, so half of it goes to each
    expected[0, 1, 1, 1:] += torch.tensor([2.0, 2.0])
    assert torch.equal(Blur()(x), expected)


def test_a_blur_of_an_even_image_stays_even():
    torch.testing.assert_close(Blur()(torch.full((1, 3, 7, 4), 2.5)), torch.full((1, 3, 4, 2), 2.5))
