"""What is kept of an image to tell it from others: a digest of its pixels, a perceptual hash, and a small copy."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from patchword.errors import RecipeError

SIDE = 16  # pixels of the small copy
ONE_COLOUR = 4  # levels of 256 between the darkest and the lightest pixel of an image that shows nothing


@dataclass(frozen=True)
class Portrait:
    """One image, in some 350 bytes.

    Attributes:
        digest: of its size and its pixels.
        size: width and height.
        one_colour: whether all pixels are nearly the same.
        hashed: 64 bits of its low frequencies; images that look alike differ in few.
        small: its grey values at `SIDE` x `SIDE`.
    """

    digest: bytes
    size: tuple[int, int]
    one_colour: bool
    hashed: int
    small: NDArray[np.int16]

    @property
    def can_be_compared(self) -> bool:
        """Whether it has so much to see that likeness means something."""
        return not self.one_colour and min(self.size) >= SIDE


def painter() -> Callable[[Image.Image], Portrait]:
    """What makes portraits of RGB images.

    Raises:
        RecipeError: if imagehash is not installed.
    """
    try:
        from imagehash import phash
    except ImportError:
        raise RecipeError("looking for images that are alike needs imagehash: pip install 'patchword[check]'") from None

    def painted(image: Image.Image) -> Portrait:
        content = hashlib.blake2b(repr(image.size).encode(), digest_size=16)
        content.update(image.tobytes())
        grey = image.convert("L")
        bits = np.packbits(phash(grey).hash.flatten()).tobytes()
        small = np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BOX), np.int16)
        flat = all(high - low <= ONE_COLOUR for low, high in image.getextrema())  # type: ignore[misc]
        return Portrait(content.digest(), image.size, flat, int.from_bytes(bits), small)

    return painted
