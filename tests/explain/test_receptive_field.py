"""How far layers see."""

import torch
from torch.testing import assert_close

from patchword.explain.receptive_field import field_distance
from tests.models.test_residual_network import residual_network
from tests.models.test_vision_transformer import vision_transformer

IMAGES = torch.randn(4, 3, 32, 32)


def test_every_layer_of_a_convolutional_network_sees_further_than_the_one_before() -> None:
    distances = field_distance(residual_network(depths=(1, 1, 1), widths=(8, 8, 8), stem="cifar"), IMAGES)
    assert len(distances) == 3
    assert torch.all(distances.diff() > 0)
    assert 0 < distances[0] < 4, "the first block's maps hang on a few pixels"


def test_an_untrained_vision_transformer_sees_the_whole_image_in_its_first_layer() -> None:
    model = vision_transformer(image_size=(32, 32))
    first = field_distance(model, IMAGES)[0]
    # The mean distance of all pixels of 32 x 32 from their middle is 12.2; residual connections pull to the own patch.
    assert 4 < first < 12.5


def test_it_is_measured_from_the_middle_of_the_place_in_pixels() -> None:
    class OnePixel:
        training = False

        def modules(self) -> list[object]:
            return []

        def feature_maps(self, images: torch.Tensor) -> list[torch.Tensor]:
            return [images, images.roll(3, 3), images.unfold(2, 4, 4).unfold(3, 4, 4)[..., 0, 0]]

    found = field_distance(OnePixel(), IMAGES)  # type: ignore[arg-type]
    # The pixel itself; one three columns away; the first of a patch of 4 x 4, 1.5 rows and columns from its middle.
    assert_close(found, torch.tensor([0.0, 3.0, 1.5 * 2**0.5]))


def test_gradients_and_modes_are_left_as_they_were() -> None:
    model = residual_network().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with torch.no_grad():
        field_distance(model, IMAGES)
    assert model.training
    assert all(parameter.grad is None for parameter in model.parameters())
    for name, value in model.state_dict().items():
        assert_close(value, before[name])
