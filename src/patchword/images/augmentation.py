"""Random changes to training images, on tensor batches, through kornia."""

import warnings
from functools import cache
from typing import Annotated, Any

import torch
from pydantic import AfterValidator, Field
from torch import Tensor

from patchword.config import Config

# kornia's RandAugment draws its operations once a call. A call for every image would take some ten times as long;
# groups of this size cost nothing over a whole batch.
GROUP = 32


def _bearable(alpha: float) -> float:
    if 0 < alpha < 1e-3:
        raise ValueError("input should be 0, which is off, or at least 0.001")
    return alpha


# Beyond these a Beta distribution's samples are 0, 1/2 or 1, or no numbers.
Alpha = Annotated[float, Field(ge=0, le=1000), AfterValidator(_bearable)]


class AugmentationConfig(Config):
    """Which changes are made; the defaults are none.

    Attributes:
        flip: mirror half of the images left to right.
        pad_crop: add this many pixels on every side and cut out at random (He et al. 2016, for CIFAR).
        random_resized_crop: smallest share of the area that is cut out and scaled up (Szegedy et al. 2015); None: off.
        rand_augment: number of random operations (Cubuk et al. 2020), drawn anew every `GROUP` images; 0: off.
        rand_augment_magnitude: their strength, above 0 and below 30.
        random_erasing: probability of erasing a rectangle (Zhong et al. 2020).
        mixup: alpha of the Beta distribution that two images are blended by (Zhang et al. 2018); 0: off.
        cutmix: alpha for pasting a rectangle of another image (Yun et al. 2019); 0: off. With both, each batch gets
            one of the two at random.
    """

    flip: bool = False
    pad_crop: int = Field(0, ge=0, le=10_000)
    random_resized_crop: float | None = Field(None, gt=0, le=1)
    rand_augment: int = Field(0, ge=0, le=10)
    rand_augment_magnitude: int = Field(9, gt=0, lt=30)
    random_erasing: float = Field(0.0, ge=0, le=1)
    mixup: Alpha = 0.0
    cutmix: Alpha = 0.0


def augment(pixels: Tensor, targets: Tensor, config: AugmentationConfig) -> tuple[Tensor, Tensor]:
    """Change a batch at random; the random numbers are torch's, numpy's and Python's global ones.

    Args:
        pixels: uint8, (batch, 3, height, width).
        targets: class distributions, (batch, num_classes).
        config: what to do.

    Returns:
        float32 pixels in 0..255 and the targets, mixed where images were.
    """
    images = pixels.float() / 255.0
    if config.pad_crop:
        images = _pad_crop(images, config.pad_crop)
    operations = _operations(config, tuple(pixels.shape[-2:]))
    if operations is not None:
        images = torch.cat([operations(group) for group in images.split(GROUP)])
    if config.flip:
        mirrored = (torch.rand(len(images)) < 0.5)[:, None, None, None].to(images.device)
        images = torch.where(mirrored, images.flip(-1), images)
    images, targets = _mix(images, targets, config)
    return images * 255.0, targets


def _pad_crop(images: Tensor, pad: int) -> Tensor:
    """Random shifts by indexing: kornia's RandomCrop warps, which is ten times slower and blurs nothing usefully."""
    batch, _, height, width = images.shape
    padded = torch.nn.functional.pad(images, (pad, pad, pad, pad), mode="reflect")
    top = torch.randint(0, 2 * pad + 1, (batch, 1, 1))
    left = torch.randint(0, 2 * pad + 1, (batch, 1, 1))
    rows = top + torch.arange(height)[None, :, None]
    columns = left + torch.arange(width)[None, None, :]
    return padded[torch.arange(batch)[:, None, None], :, rows, columns].permute(0, 3, 1, 2)


@cache
def _operations(config: AugmentationConfig, size: tuple[int, int]) -> Any:
    """kornia's part of the config as one module, or None."""
    if config.random_resized_crop is None and not config.rand_augment and not config.random_erasing:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries that kornia imports
        from kornia import augmentation as kornia
        from kornia.augmentation.auto import RandAugment
    operations: list[Any] = []
    if config.random_resized_crop is not None:
        scale = (config.random_resized_crop, 1.0)
        operations.append(kornia.RandomResizedCrop(size, scale=scale, cropping_mode="slice"))
    if config.rand_augment:
        operations.append(RandAugment(n=config.rand_augment, m=config.rand_augment_magnitude))
    if config.random_erasing:
        operations.append(kornia.RandomErasing(p=config.random_erasing))
    return torch.nn.Sequential(*operations)


def _mix(images: Tensor, targets: Tensor, config: AugmentationConfig) -> tuple[Tensor, Tensor]:
    """Mixup or cutmix of each image with another of the batch, targets in the same proportion."""
    choices = [name for name in ("mixup", "cutmix") if getattr(config, name)]
    if not choices:
        return images, targets
    choice = choices[int(torch.randint(len(choices), ()))]
    alpha = torch.tensor(float(getattr(config, choice)))
    kept = float(torch.distributions.Beta(alpha, alpha).sample())
    partner = torch.randperm(len(images))
    if choice == "mixup":
        images = kept * images + (1 - kept) * images[partner]
    else:
        height, width = images.shape[-2:]
        side = (1 - kept) ** 0.5
        centre_y, centre_x = int(torch.randint(height, ())), int(torch.randint(width, ()))
        top, bottom = (max(0, min(height, round(centre_y + s * side * height / 2))) for s in (-1, 1))
        left, right = (max(0, min(width, round(centre_x + s * side * width / 2))) for s in (-1, 1))
        images = images.clone()
        images[:, :, top:bottom, left:right] = images[partner, :, top:bottom, left:right]
        kept = 1 - (bottom - top) * (right - left) / (height * width)
    return images, kept * targets + (1 - kept) * targets[partner]
