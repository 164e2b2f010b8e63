import pytest
import torch
from torch import Tensor

from patchword.images.augmentation import AugmentationConfig, augment


def batch(size: int = 64) -> tuple[Tensor, Tensor]:
    pixels = torch.randint(0, 256, (size, 3, 16, 16), dtype=torch.uint8)
    return pixels, torch.nn.functional.one_hot(torch.arange(size) % 4, 4).float()


def test_without_any_option_nothing_changes() -> None:
    pixels, targets = batch()
    found, same = augment(pixels, targets, AugmentationConfig())
    torch.testing.assert_close(found, pixels.float())
    assert torch.equal(same, targets)


def test_flip_mirrors_about_half_of_the_images_and_changes_nothing_else() -> None:
    pixels, targets = batch(400)
    found, _ = augment(pixels, targets, AugmentationConfig(flip=True))
    same = torch.isclose(found, pixels.float(), atol=0.01).flatten(1).all(1)
    mirrored = torch.isclose(found, pixels.flip(-1).float(), atol=0.01).flatten(1).all(1)
    assert (same | mirrored).all()
    assert 140 < int(mirrored.sum()) < 260


def test_pad_crop_shifts_by_at_most_its_pixels() -> None:
    pixels, targets = batch()
    found, _ = augment(pixels, targets, AugmentationConfig(pad_crop=2))
    padded = torch.nn.functional.pad(pixels.float(), (2, 2, 2, 2), mode="reflect")
    shifts = set()
    for image, source in zip(found, padded, strict=True):
        places = [
            (y, x)
            for y in range(5)
            for x in range(5)
            if torch.allclose(image, source[:, y : y + 16, x : x + 16], atol=0.01)
        ]
        assert len(places) == 1
        shifts.update(places)
    assert len(shifts) > 15


def test_mixup_blends_images_and_targets_alike() -> None:
    pixels = torch.arange(4, dtype=torch.uint8)[:, None, None, None].expand(4, 3, 16, 16) * 50
    targets = torch.eye(4)
    found, mixed = augment(pixels, targets, AugmentationConfig(mixup=1.0))
    torch.testing.assert_close(mixed.sum(1), torch.ones(4))
    torch.testing.assert_close(found[:, 0, 0, 0], mixed @ torch.tensor([0.0, 50.0, 100.0, 150.0]), atol=0.01, rtol=1e-4)


def test_cutmix_mixes_targets_by_area() -> None:
    pixels = torch.arange(4, dtype=torch.uint8)[:, None, None, None].expand(4, 3, 16, 16) * 50
    for seed in range(10):
        torch.manual_seed(seed)
        found, mixed = augment(pixels, torch.eye(4), AugmentationConfig(cutmix=1.0))
        for i in range(4):
            share = (found[i, 0] == i * 50).float().mean()
            torch.testing.assert_close(mixed[i, i], share)


@pytest.mark.parametrize(
    "values",
    [
        {"rand_augment": 2},
        {"random_resized_crop": 0.5},
        {"random_erasing": 1.0},
        {"flip": True, "pad_crop": 2, "rand_augment": 1, "random_erasing": 0.5, "mixup": 0.2, "cutmix": 1.0},
    ],
)
def test_every_option_changes_images_keeps_their_shape_and_repeats_with_the_seed(values: dict[str, float]) -> None:
    pixels, targets = batch()
    config = AugmentationConfig(**values)  # type: ignore[arg-type]
    results = []
    for _ in range(2):
        torch.manual_seed(7)
        results.append(augment(pixels, targets, config))
    found, mixed = results[0]
    assert torch.equal(found, results[1][0])
    assert torch.equal(mixed, results[1][1])
    assert found.shape == pixels.shape
    assert not torch.allclose(found, pixels.float(), atol=1.0)
    assert found.min() >= -0.01
    assert found.max() <= 255.01
    torch.testing.assert_close(mixed.sum(1), torch.ones(64))
