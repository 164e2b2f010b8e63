import pytest
import torch
from torch.nn import functional as F

from patchword.nn.residual import LayerScale, ResidualNorm


def double(x: torch.Tensor) -> torch.Tensor:
    return 2 * x


def test_post_ln_norms_the_sum():
    x = torch.randn(2, 3, 8)
    residual = ResidualNorm(8, 0.0, norm_first=False)
    torch.testing.assert_close(residual(x, double), F.layer_norm(x + 2 * x, (8,)))


def test_pre_ln_norms_the_sublayers_input_and_adds_the_unnormed_one():
    x = torch.randn(2, 3, 8) * 5
    residual = ResidualNorm(8, 0.0, norm_first=True)
    torch.testing.assert_close(residual(x, double), x + 2 * F.layer_norm(x, (8,)))


@pytest.mark.parametrize("norm_first", [False, True])
def test_the_epsilon_is_the_one_asked_for(norm_first):
    x = torch.randn(2, 3, 8) * 1e-3
    residual = ResidualNorm(8, 0.0, norm_first=norm_first, layer_norm_eps=0.5)
    expected = x + 2 * F.layer_norm(x, (8,), eps=0.5) if norm_first else F.layer_norm(3 * x, (8,), eps=0.5)
    torch.testing.assert_close(residual(x, double), expected)


def test_layer_scale_multiplies_each_channel_of_the_branch_alone():
    x = torch.randn(2, 3, 4)
    residual = ResidualNorm(4, 0.0, norm_first=True, layer_scale=0.1)
    factors = torch.tensor([0.0, 1.0, -2.0, 0.5])
    assert residual.layer_scale.factor.tolist() == pytest.approx([0.1] * 4)
    residual.layer_scale.factor.data.copy_(factors)
    torch.testing.assert_close(residual(x, double), x + factors * 2 * F.layer_norm(x, (4,)))


def test_layer_scale_is_learned():
    scale = LayerScale(4, 0.1)
    scale(torch.ones(3, 4)).sum().backward()
    assert scale.factor.grad.tolist() == [3.0] * 4


def test_dropout_takes_from_the_branch_and_never_from_the_residual():
    x = torch.full((1000, 4), 7.0)
    residual = ResidualNorm(4, 0.5, norm_first=True)
    result = residual(x, lambda y: torch.ones_like(y))
    assert result.unique().tolist() == [7.0, 9.0]


def test_drop_path_leaves_a_sample_its_residual():
    x = torch.randn(200, 3, 4)
    residual = ResidualNorm(4, 0.0, norm_first=True, drop_path=0.5)
    branch = residual(x, lambda y: torch.ones_like(y)) - x
    assert branch.round().unique().tolist() == [0.0, 2.0]
    assert torch.allclose(branch, branch[:, :1, :1].expand_as(branch), atol=1e-5)
