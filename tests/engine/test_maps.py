"""What a convolutional network does besides convolutions is what torch does."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from patchword.engine.maps import Maps

SHAPES = [(1, 1, 1, 1), (2, 3, 5, 8), (1, 64, 7, 6), (3, 13, 4, 9), (0, 8, 4, 4)]


def room_of(maps: Maps) -> Tensor:
    """The sum of all that lies around the images."""
    return maps.pixels.abs().sum() - maps.images().abs().sum()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("room", [0, 1, 3])
def test_images_become_maps_and_images_again(variant: str, shape: tuple, room: int) -> None:
    images = torch.rand(shape)
    maps = Maps.of(images, room)
    assert torch.equal(maps.images(), images)
    assert maps.pixels.shape[1:3] == (shape[2] + 2 * room, shape[3] + 2 * room)
    assert float(room_of(maps)) == pytest.approx(0, abs=1e-3)
    turned = Maps.of(images.transpose(2, 3), room)
    assert torch.equal(turned.images(), images.transpose(2, 3))


@pytest.mark.parametrize("shape", SHAPES[:-1])
@pytest.mark.parametrize("room", [0, 1])
def test_the_largest_of_nine(variant: str, shape: tuple, room: int) -> None:
    images = torch.rand(shape)
    found = Maps.of(images).largest_of_nine(room)
    assert torch.equal(found.images(), F.max_pool2d(images, 3, 2, 1))
    assert float(room_of(found)) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("shape", SHAPES[:-1])
def test_the_mean_leaves_the_room_out(variant: str, shape: tuple) -> None:
    images = torch.rand(shape)
    torch.testing.assert_close(Maps.of(images, 1).mean(), images.mean((2, 3)))
