"""Image in, classes out, whatever runs the network."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from patchword.errors import DataError, HeadlessError, NotFiniteError
from patchword.images.classification import Classification
from patchword.images.files import allowed_pixels, alone, as_rgb, open_image
from patchword.images.sources import Picture, pictures
from patchword.images.transforms import Preprocessing, check_channels
from patchword.memory import memory_for

NOT_FINITE = (
    "the network's answers are infinite or not numbers; its weights are damaged or too large, or its preprocessing is "
    "another's"
)

Pixels = NDArray[np.uint8]
Given = Path | str | Image.Image | np.ndarray | Picture  # an image, as it may be given
ONE = (Path, str, Image.Image, np.ndarray, Picture)


class Classifying(ABC):
    """What classifies with a network, its preprocessing and its class names.

    Attributes:
        preprocessing: what the network was trained with.
        classes: a name for each logit; none for a backbone without a head.
    """

    preprocessing: Preprocessing
    classes: tuple[str, ...]

    @staticmethod
    def pictures(paths: Sequence[Path | str]) -> tuple[list[Picture], list[str]]:
        """What `classify` takes, of files, folders and zips; see `sources.pictures`."""
        return pictures(paths)

    @overload
    def classify(  # type: ignore[overload-overlap]  # an array is an image, though it can be iterated
        self, images: Given, top: int = 5, batch_size: int = 32, max_pixels: int | None = None
    ) -> Classification: ...

    @overload
    def classify(
        self, images: Iterable[Given], top: int = 5, batch_size: int = 32, max_pixels: int | None = None
    ) -> list[Classification]: ...

    def classify(
        self, images: Given | Iterable[Given], top: int = 5, batch_size: int = 32, max_pixels: int | None = None
    ) -> Classification | list[Classification]:
        """Classify an image, or several, in order. One that cannot be read does not keep others from being classified.

        Args:
            images: files, decoded images of any mode, arrays of uint8 (height, width) or (height, width, 3), or what
                `pictures` found.
            top: how many classes to report for each.
            batch_size: images put through the model together.
            max_pixels: how many may be decoded of one image; see `open_image`.

        Returns:
            the classification of one image, or a list of those of several.

        Raises:
            TypeError: if an image is none of these.
            ValueError: if `top` is less than 1.
            HeadlessError: if the model has no classes.
            RecipeError: if `max_pixels` cannot be a limit.
        """
        self.require_head()
        if top < 1:
            raise ValueError(f"top = {top}; expected at least 1")
        limit = allowed_pixels(max_pixels)
        if isinstance(images, ONE):
            return self._classify_batch([images], 0, top, limit)[0]
        images = list(images)
        for image in images:
            if not isinstance(image, ONE):
                raise TypeError(f"an image is a path, a PIL image or an array; found {type(image).__name__}")
        results: list[Classification] = []
        for start in range(0, len(images), batch_size):
            results += self._classify_batch(images[start : start + batch_size], start, top, limit)
        return results

    def require_head(self) -> None:
        """See that the model classifies at all.

        Raises:
            HeadlessError: if it is a backbone without a classification head.
        """
        if not self.classes:
            raise HeadlessError(
                "the model is a backbone without classes; give it some with `patchword train classification --init`, "
                "or score its features with `patchword evaluate --knn`"
            )

    def _pixels(self, image: Given, name: str, limit: int | None = None) -> Pixels:
        with alone(name):
            return self.preprocessing.array(opened(image, limit))

    def _classify_batch(self, images: Sequence[Given], first: int, top: int, limit: int) -> list[Classification]:
        pixels: list[Pixels] = []
        errors: list[str | None] = []
        for index, image in enumerate(images, first):
            try:
                pixels.append(self._pixels(image, name_of(image, index), limit))
                errors.append(None)
            except DataError as error:
                errors.append(str(error))
        with memory_for(f"{len(pixels)} images at once", "give fewer at once"):
            rows = iter(self._probabilities(np.stack(pixels)) if pixels else ())
        return [
            Classification(name_of(image, first + i), self._best(next(rows), top) if error is None else (), error)
            for i, (image, error) in enumerate(zip(images, errors, strict=True))
        ]

    def _best(self, probability: NDArray[np.float32], top: int) -> tuple[tuple[str, float], ...]:
        order = (-probability).argsort(kind="stable")[: min(top, len(self.classes))]
        return tuple((self.classes[i], float(probability[i])) for i in order)

    @abstractmethod
    def _probabilities(self, pixels: Pixels) -> NDArray[np.float32]:
        """uint8 pixels (batch, 3, height, width) to class probabilities (batch, classes)."""


def check_fit(config: Any, preprocessing: Preprocessing, classes: Sequence[str]) -> None:
    """See that a network's config, its preprocessing and its classes fit together; a ValueError if they do not."""
    if config.num_classes != len(classes):
        raise ValueError(f"{len(classes)} class names for a head of {config.num_classes} classes")
    check_channels(config.channels)
    config.check_image_size(preprocessing.image_size)


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities of each row's classes.

    Raises:
        NotFiniteError: if a logit is infinite or not a number.
    """
    if not np.isfinite(logits).all():
        raise NotFiniteError(NOT_FINITE)
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    found: NDArray[np.float32] = powers / powers.sum(-1, keepdims=True)
    return found


def opened(image: Given, limit: int | None) -> Image.Image:
    """An image as it may be given, decoded, RGB and upright."""
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (3, 4)):
            raise ValueError(f"an array of {image.dtype} {image.shape}; expected uint8 (height, width, 3)")
        image = Image.fromarray(image)
    if isinstance(image, Image.Image):
        return as_rgb(image)  # Pillow decodes when pixels are first asked for
    return image.decode(limit) if isinstance(image, Picture) else open_image(Path(image), max_pixels=limit)


def name_of(image: Given, index: int) -> str:
    """What to call an image, the one of this number among several."""
    if isinstance(image, Picture):
        return image.name
    return f"image {index + 1}" if isinstance(image, Image.Image | np.ndarray) else str(image)
