"""Preprocessing: from a decoded image to a normalised tensor, the same way in training and in use."""

from collections.abc import Sequence
from typing import Literal, Self

import numpy as np
import torch
from PIL import Image
from pydantic import Field, model_validator
from torch import Tensor

from patchword.config import Config
from patchword.images.files import MAX_PIXELS

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


class Preprocessing(Config):
    """How an image becomes a model's input; kept in the model folder.

    Attributes:
        image_size: (height, width) in pixels that the model takes.
        resize: "squash" to the size divided by `crop_fraction`, whatever the shape; "crop": scale the shorter side to
            that; both then cut out the centre. "pad": scale the longer side to the size, then add white.
        crop_fraction: share of each side that is cut out; timm's crop_pct.
        crop_rounding: of the first row and column cut out where the margin is odd: "nearest" (timm, torchvision) or
            "down" (Hugging Face's processors).
        interpolation: of the resize; both are antialiased.
        mean: of each channel, subtracted after pixels were scaled to 0..1.
        std: of each channel, divided by after that.
    """

    image_size: tuple[int, int] = (224, 224)
    resize: Literal["squash", "crop", "pad"] = "crop"
    crop_fraction: float = Field(1.0, gt=0, le=1)
    crop_rounding: Literal["nearest", "down"] = "nearest"
    interpolation: Literal["bilinear", "bicubic"] = "bicubic"
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if min(self.image_size) <= 0:
            raise ValueError("image_size must be two positive numbers, height and width")
        if min(self.std) <= 0:
            raise ValueError("std must be positive")
        return self

    def pixels(self, image: Image.Image) -> Tensor:
        """Resize and crop.

        Args:
            image: RGB.

        Returns:
            (3, height, width), uint8.
        """
        height, width = self.image_size
        if image.size != (width, height) or self.crop_fraction != 1.0:
            image = self._resized(image)
        return torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()

    def normalise(self, pixels: Tensor) -> Tensor:
        """uint8 or 0..255 pixels (batch, 3, height, width) to float32, channel by channel (p / 255 - mean) / std."""
        mean = torch.tensor(self.mean, device=pixels.device)[:, None, None]
        std = torch.tensor(self.std, device=pixels.device)[:, None, None]
        return (pixels.float() / 255.0 - mean) / std

    def __call__(self, images: Sequence[Image.Image]) -> Tensor:
        """Images to the model's input, (batch, 3, height, width)."""
        return self.normalise(torch.stack([self.pixels(image) for image in images]))

    def _resized(self, image: Image.Image) -> Image.Image:
        height, width = self.image_size
        resample = _FILTERS[self.interpolation]
        if self.resize == "pad":
            scale = min(width / image.width, height / image.height)
            size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
            canvas = Image.new("RGB", (width, height), "white")
            canvas.paste(image.resize(size, resample), ((width - size[0]) // 2, (height - size[1]) // 2))
            return canvas
        # A fraction such as 224 / 232 divides back to just under 232.
        size = int(width / self.crop_fraction + 1e-6), int(height / self.crop_fraction + 1e-6)
        if self.resize == "crop":
            scale = max(size[0] / image.width, size[1] / image.height)
            # torchvision, timm and Hugging Face round the longer side down; for sizes that are not square timm rounds.
            up = 1e-6 if width == height else 0.5
            size = max(width, int(image.width * scale + up)), max(height, int(image.height * scale + up))
        margins = (size[0] - width) / 2, (size[1] - height) / 2
        left, top = (round(m) if self.crop_rounding == "nearest" else int(m) for m in margins)
        if size[0] * size[1] > MAX_PIXELS:
            # A thread of an image, 1 x 1,000,000 pixels, would fill the memory before it is cut.
            x, y = image.width / size[0], image.height / size[1]
            box = (left * x, top * y, (left + width) * x, (top + height) * y)
            return image.resize((width, height), resample, box)
        return image.resize(size, resample).crop((left, top, left + width, top + height))
