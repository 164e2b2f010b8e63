"""Preprocessing: from a decoded image to a normalised tensor, the same way in training and in use."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field, field_validator

from patchword.config import Config

if TYPE_CHECKING:
    from torch import Tensor

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

    def array(self, image: Image.Image) -> NDArray[np.uint8]:
        """Resize and crop.

        Args:
            image: RGB.

        Returns:
            (3, height, width), uint8.
        """
        height, width = self.image_size
        if image.size != (width, height) or self.crop_fraction != 1.0:
            image = self._resized(image)
        return np.ascontiguousarray(np.array(image).transpose(2, 0, 1))

    def pixels(self, image: Image.Image) -> "Tensor":
        """`array` as a tensor."""
        import torch

        return torch.from_numpy(self.array(image))

    def normalised(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """`normalise` of an array, to the same bits."""
        mean, std = (np.array(each, np.float32)[:, None, None] for each in (self.mean, self.std))
        return (pixels.astype(np.float32) / np.float32(255) - mean) / std

    def normalise(self, pixels: "Tensor") -> "Tensor":
        """uint8 or 0..255 pixels (batch, 3, height, width) to float32, channel by channel (p / 255 - mean) / std."""
        import torch

        mean = torch.tensor(self.mean, device=pixels.device)[:, None, None]
        std = torch.tensor(self.std, device=pixels.device)[:, None, None]
        return (pixels.float() / 255.0 - mean) / std

    def __call__(self, images: Sequence[Image.Image]) -> "Tensor":
        """Images to the model's input, (batch, 3, height, width)."""
        import torch

        return self.normalise(torch.stack([self.pixels(image) for image in images]))

    def box(self, size: tuple[int, int]) -> tuple[float, float, float, float]:
        """Where in an image lies what the model sees of it.

        Args:
            size: width and height of the image in pixels.

        Returns:
            left, top, right and bottom in fractions of the image's sides; with the white of "pad" they reach below 0
            and above 1.
        """
        height, width = self.image_size
        (across, down), left, top = self._scaled(size)
        return left / across, top / down, (left + width) / across, (top + height) / down

    def _scaled(self, size: tuple[int, int]) -> tuple[tuple[int, int], int, int]:
        """Width and height that an image is resized to, and the first column and row of it that the model sees."""
        height, width = self.image_size
        if self.resize == "pad":
            scale = min(width / size[0], height / size[1])
            new = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
            return new, -((width - new[0]) // 2), -((height - new[1]) // 2)
        # A fraction such as 224 / 232 divides back to just under 232.
        new = int(width / self.crop_fraction + 1e-6), int(height / self.crop_fraction + 1e-6)
        if self.resize == "crop":
            scale = max(new[0] / size[0], new[1] / size[1])
            # torchvision, timm and Hugging Face round the longer side down; for sizes that are not square timm rounds.
            up = 1e-6 if width == height else 0.5
            new = max(width, int(size[0] * scale + up)), max(height, int(size[1] * scale + up))
        margins = (new[0] - width) / 2, (new[1] - height) / 2
        left, top = (round(m) if self.crop_rounding == "nearest" else int(m) for m in margins)
        return new, left, top

    def _resized(self, image: Image.Image) -> Image.Image:
        height, width = self.image_size
        resample = _FILTERS[self.interpolation]
        if self.resize != "crop" and max(image.size) > _LONGEST_FILTERED:
            image = image.reduce((-(-image.width // _LONGEST_FILTERED), -(-image.height // _LONGEST_FILTERED)))
        if self.resize == "pad":
            size, left, top = self._scaled(image.size)
            canvas = Image.new("RGB", (width, height), "white")
            canvas.paste(image.resize(size, resample), (-left, -top))
            return canvas
        size, left, top = self._scaled(image.size)
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
