import numpy as np
import pytest
import torch
from PIL import Image

from patchword.errors import RecipeError
from patchword.images.transforms import Preprocessing


def picture(width: int, height: int) -> Image.Image:
    """Red grows to the right, green downward."""
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([x, y, np.zeros_like(x)], -1).astype(np.uint8))


def test_squash_is_pillows_resize() -> None:
    found = Preprocessing(image_size=(20, 30), resize="squash", interpolation="bilinear").pixels(picture(64, 48))
    wanted = np.array(picture(64, 48).resize((30, 20), Image.Resampling.BILINEAR))
    assert (found.permute(1, 2, 0).numpy() == wanted).all()


def test_crop_scales_the_shorter_side_and_cuts_out_the_centre() -> None:
    found = Preprocessing(image_size=(45, 45), resize="crop", crop_fraction=0.9).pixels(picture(200, 100))
    wanted = picture(200, 100).resize((100, 50), Image.Resampling.BICUBIC).crop((28, 2, 73, 47))
    assert (found.permute(1, 2, 0).numpy() == np.array(wanted)).all()


def test_pad_keeps_the_whole_image_on_white() -> None:
    found = Preprocessing(image_size=(40, 40), resize="pad").pixels(picture(80, 40))
    assert found.shape == (3, 40, 40)
    assert (found[:, :10] == 255).all()
    assert (found[:, 30:] == 255).all()
    assert (found[2, 10:30] == 0).all()


def test_an_image_of_the_right_size_is_not_touched() -> None:
    found = Preprocessing(image_size=(16, 24)).pixels(picture(24, 16))
    assert (found.permute(1, 2, 0).numpy() == np.array(picture(24, 16))).all()


def test_normalising_subtracts_the_mean_and_divides_by_the_deviation() -> None:
    preprocessing = Preprocessing(image_size=(2, 2), mean=(0.5, 0.25, 0.0), std=(0.5, 0.25, 1.0))
    found = preprocessing.normalise(torch.full((1, 3, 2, 2), 255, dtype=torch.uint8))
    torch.testing.assert_close(found[0, :, 0, 0], torch.tensor([1.0, 3.0, 1.0]))
    assert preprocessing([picture(5, 9)]).shape == (1, 3, 2, 2)


@pytest.mark.parametrize(
    "values", [{"std": (0, 1, 1)}, {"image_size": (0, 3)}, {"crop_fraction": 1.5}, {"resize": "x"}]
)
def test_wrong_values_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(RecipeError, match="here: "):
        Preprocessing.parse(values, "here")


@pytest.mark.parametrize("resize", ["squash", "crop", "pad"])
@pytest.mark.parametrize("fraction", [1.0, 0.7])
@pytest.mark.parametrize("size", [(300, 120), (90, 400), (128, 96), (17, 5)])
def test_the_box_is_where_in_the_image_the_pixels_come_from(
    resize: str, fraction: float, size: tuple[int, int]
) -> None:
    """Red and green of a pixel say where it was in the image."""
    preprocessing = Preprocessing(image_size=(96, 64), resize=resize, crop_fraction=fraction, interpolation="bilinear")
    left, top, right, bottom = preprocessing.box(size)
    found = preprocessing.pixels(picture(*size)).float() / 255
    inside = found[2] == 0  # padding is white
    x, y = torch.meshgrid((torch.arange(64) + 0.5) / 64, (torch.arange(96) + 0.5) / 96, indexing="xy")
    # A pixel's centre in fractions of the image; the first pixel's is half a pixel from the edge.
    across = ((left + x * (right - left)) * size[0] - 0.5) / (size[0] - 1)
    down = ((top + y * (bottom - top)) * size[1] - 0.5) / (size[1] - 1)
    assert inside.float().mean() > 0.15
    assert (found[0] - across.clamp(0, 1))[inside].abs().max() < 0.04
    assert (found[1] - down.clamp(0, 1))[inside].abs().max() < 0.04
    if resize != "pad":
        assert min(left, top) >= 0
        assert max(right, bottom) <= 1
