import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from patchword.nn.patches import PatchEmbedding, patchify


@given(
    rows=st.integers(1, 4),
    columns=st.integers(1, 4),
    patch=st.integers(1, 5),
    channels=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
)
def test_patches_are_torchs_unfolded_blocks(rows, columns, patch, channels, seed):
    torch.manual_seed(seed)
    images = torch.randn(2, channels, rows * patch, columns * patch)
    expected = nn.Unfold(kernel_size=patch, stride=patch)(images).transpose(1, 2)
    assert torch.equal(patchify(images, patch), expected)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last], ids=str)
def test_patches_do_not_depend_on_the_layout_in_memory(memory_format):
    images = torch.randn(2, 3, 8, 12)
    assert torch.equal(patchify(images.contiguous(memory_format=memory_format), 4), patchify(images, 4))


def test_the_embedding_equals_a_convolution_whose_stride_is_its_kernel():
    embedding = PatchEmbedding(patch_size=4, channels=3, d_model=10)
    convolution = nn.Conv2d(3, 10, kernel_size=4, stride=4)
    convolution.weight.data.copy_(embedding.projection.weight.view(10, 3, 4, 4))
    convolution.bias.data.copy_(embedding.projection.bias)
    images = torch.randn(2, 3, 12, 20)
    torch.testing.assert_close(embedding(images), convolution(images).flatten(2).mT, atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [(30, 32), (32, 30)], ids=str)
def test_an_image_that_does_not_divide_is_refused(size):
    with pytest.raises(ValueError, match=f"an image of {size[0]} x {size[1]} pixels does not divide into patches of 8"):
        patchify(torch.zeros(1, 3, *size), 8)
