"""Preprocessing: from a decoded image to a normalised tensor, the same way in training and in use."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
import torch
from PIL import Image
from pydantic import Field, field_validator
from torch import Tensor

from patchword.config import Config

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

LONGEST_SIDE = 4096  # in pixels, that a model can take

# Resized pictures of more pixels are never made whole; what is cut out of them is resized alone.
_WHOLE = 25_000_000
# A filter has weights for every pixel of a side. Longer ones are first shrunk, which takes none.
_LONGEST_FILTERED = 2**18

_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


_Side = Annotated[int, Field(ge=1, le=LONGEST_SIDE)]
_Mean = Annotated[float, Field(ge=-1000, le=1000)]
_Std = Annotated[float, Field(ge=1e-4, le=1000)]


class Preprocessing(Config):
    """How an image becomes a model's input; kept in the model folder."""

    image_size: tuple[_Side, _Side] = (224, 224)
    """Height and width in pixels of what the model takes; one number for both."""
    resize: Literal["squash", "crop", "pad"] = "crop"
    """How it is scaled: "squash" scales to the size divided by `crop_fraction`, whatever the shape; "crop" scales the
    shorter side to that; both then cut out the centre; "pad" scales the longer side to the size, then adds white.
    """
    crop_fraction: float = Field(1.0, ge=0.01, le=1)
    """Share of each side that is cut out; timm's crop_pct."""
    crop_rounding: Literal["nearest", "down"] = "nearest"
    """Of the first row and column cut out where the margin is odd: "nearest" as timm and torchvision do, or "down" as
    Hugging Face's processors.
    """
    interpolation: Literal["bilinear", "bicubic"] = "bicubic"
    """Of the resize; both are antialiased."""
    mean: tuple[_Mean, _Mean, _Mean] = (0.5, 0.5, 0.5)
    """Of each channel, subtracted after pixels were scaled to 0..1."""
    std: tuple[_Std, _Std, _Std] = (0.5, 0.5, 0.5)
    """Of each channel, divided by after that."""

    @field_validator("image_size", mode="before")
    @classmethod
    def _square(cls, value: Any) -> Any:
        return [value, value] if isinstance(value, int) and not isinstance(value, bool) else value

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
        if self.resize != "crop" and max(image.size) > _LONGEST_FILTERED:
            image = image.reduce((-(-image.width // _LONGEST_FILTERED), -(-image.height // _LONGEST_FILTERED)))
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
        if size[0] * size[1] > _WHOLE:
            # A thread of an image, 1 x 1,000,000 pixels, would fill the memory before it is cut.
            x, y = image.width / size[0], image.height / size[1]
            box = (left * x, top * y, (left + width) * x, (top + height) * y)
            return image.resize((width, height), resample, box)
        return image.resize(size, resample).crop((left, top, left + width, top + height))


def check_channels(channels: int) -> None:
    """See that a network of so many channels takes what `Preprocessing` gives.

    Raises:
        ValueError: if it does not.
    """
    if channels != 3:
        raise ValueError(f"channels = {channels}: pictures are read as RGB, in 3 channels")
