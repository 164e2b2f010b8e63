"""What each layer makes of each place."""

import torch
from torch.testing import assert_close

from tests.models.test_residual_network import residual_network
from tests.models.test_vision_transformer import vision_transformer

IMAGES = torch.randn(2, 3, 16, 24)


def test_a_residual_networks_last_maps_are_those_whose_mean_are_the_features() -> None:
    model = residual_network().eval()
    maps = model.feature_maps(IMAGES)
    assert len(maps) == sum(model.config.depths)
    assert_close(maps[-1].mean((2, 3)), model.features(IMAGES))
    assert_close(maps[-1], model.encode(IMAGES))


def test_a_vision_transformers_maps_are_its_patches_tokens_in_their_places() -> None:
    model = vision_transformer(image_size=(16, 24), pool="mean", num_layers=3).eval()
    maps = model.feature_maps(IMAGES)
    assert len(maps) == 3
    assert maps[0].shape[2:] == model.config.grid
    assert_close(model.pooled_norm(maps[-1].mean((2, 3))), model.features(IMAGES))
    # Row by row: what a patch gives hangs most on its own pixels.
    pixels = IMAGES.clone().requires_grad_()
    rows, columns = model.config.grid
    (gradient,) = torch.autograd.grad(model.feature_maps(pixels)[0][:, :, 0, columns - 1].abs().sum(), pixels)
    weights = gradient.abs().sum((0, 1)).unfold(0, 16 // rows, 16 // rows).unfold(1, 24 // columns, 24 // columns)
    assert weights.sum((2, 3)).flatten().argmax() == columns - 1
