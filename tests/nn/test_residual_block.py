import pytest
import torch
from torch.nn import functional as F

from patchword.nn.residual_block import BlockOptions, PaddedShortcut, ResidualBlock, Stem


def block(inputs: int = 8, outputs: int = 8, stride: int = 1, drop_path: float = 0.0, **options) -> ResidualBlock:
    made = ResidualBlock(inputs, outputs, stride, BlockOptions(zero_last_norm=False, **options), drop_path).eval()
    for name, tensor in made.state_dict().items():
        if "norm" in name:
            tensor.copy_(torch.rand(tensor.shape) + 0.5)
    return made


X = torch.randn(2, 8, 6, 6)


def test_a_basic_block_is_the_papers_equation():
    made = block()
    first, second = made.layers
    torch.testing.assert_close(made(X), F.relu(X + second(F.relu(first(X)))))


def test_a_bottleneck_reduces_to_a_quarter_and_back():
    made = block(outputs=16, bottleneck=True)
    shapes = [tuple(layer.convolution.weight.shape) for layer in made.layers]
    assert shapes == [(4, 8, 1, 1), (4, 4, 3, 3), (16, 4, 1, 1)]
    first, second, third = made.layers
    expected = F.relu(made.shortcut(X) + third(F.relu(second(F.relu(first(X))))))
    torch.testing.assert_close(made(X), expected)


@pytest.mark.parametrize(("options", "strided"), [({}, 1), ({"stride_first": True}, 0)])
def test_the_stride_is_where_the_options_say(options, strided):
    made = block(outputs=16, stride=2, bottleneck=True, **options)
    assert [layer.convolution.stride[0] for layer in made.layers] == [2 if i == strided else 1 for i in range(3)]
    assert made(X).shape == (2, 16, 3, 3)


def test_a_padded_shortcut_has_no_parameters_and_adds_zeros():
    made = block(outputs=12, stride=2, shortcut="padded")
    assert isinstance(made.shortcut, PaddedShortcut)
    assert list(made.shortcut.parameters()) == []
    padded = made.shortcut(X)
    assert torch.equal(padded[:, :8], X[:, :, ::2, ::2])
    assert padded[:, 8:].abs().max() == 0


def test_an_average_shortcut_reads_every_pixel():
    made = block(outputs=12, stride=2, shortcut="average")
    torch.testing.assert_close(made.shortcut(X), made.shortcut.projection(F.avg_pool2d(X, 2)))
    assert made(X[:, :, :5, :5]).shape == (2, 12, 3, 3)


def test_a_blurred_block_has_no_stride_in_its_convolutions():
    made = block(outputs=8, stride=2, blur=True)
    first, second = made.layers
    torch.testing.assert_close(made(X), F.relu(made.shortcut(X) + second(made.blur(F.relu(first(X))))))


def test_a_block_can_begin_as_the_identity():
    made = ResidualBlock(8, 8, 1, BlockOptions(zero_last_norm=True))
    assert torch.equal(made(X), F.relu(X))


def test_a_dropped_path_leaves_the_shortcut():
    made = block(drop_path=0.5).train()
    x = X[:1].expand(64, -1, -1, -1)
    alone = (made(x) == F.relu(x)).flatten(1).all(1)
    assert 10 < int(alone.sum()) < 54


@pytest.mark.parametrize(
    ("kind", "options", "side"), [("imagenet", {}, 8), ("cifar", {}, 32), ("imagenet", {"blur": True}, 8)]
)
def test_a_stem_gives_a_quarter_or_all(kind, options, side):
    stem = Stem(3, 10, kind, BlockOptions(**options))
    assert stem(torch.randn(2, 3, 32, 32)).shape == (2, 10, side, side)
