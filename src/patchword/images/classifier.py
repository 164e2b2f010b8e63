"""A trained image classifier: image in, classes out."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self, overload

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from patchword.checkpoints.description import Description
from patchword.errors import DataError, HeadlessError, ModelFolderError, NotFiniteError, RecipeError
from patchword.images.classification import AttendedImage, Classification
from patchword.images.details import ClassifierDetails
from patchword.images.files import allowed_pixels, alone, as_rgb, open_image
from patchword.images.sources import Picture, pictures
from patchword.images.transforms import Preprocessing, check_channels
from patchword.memory import memory_for
from patchword.models.contracts import ImageModel
from patchword.system import System

Given = Path | str | Image.Image | np.ndarray | Picture  # an image, as it may be given
_ONE = (Path, str, Image.Image, np.ndarray, Picture)


class ImageClassifier(System):
    """Classifies with a model, its preprocessing and its class names.

    Args:
        model: from images (batch, 3, height, width) to logits (batch, classes).
        preprocessing: what it was trained with.
        classes: a name for each logit; none for a backbone without a head, which has features alone.
        facts: what is known about the model.
        how: precision, reference and reread; see `System`.

    Raises:
        ValueError: if the head has another number of classes, or the network takes another image size or no RGB.
        RecipeError: if the network has no packed form in the precision that is asked for.
    """

    task = ClassifierDetails.TASK

    def __init__(
        self,
        model: Any,
        preprocessing: Preprocessing,
        classes: Sequence[str],
        facts: Mapping[str, Any] | None = None,
        **how: Any,
    ) -> None:
        if model.config.num_classes != len(classes):
            raise ValueError(f"{len(classes)} class names for a head of {model.config.num_classes} classes")
        check_channels(model.config.channels)
        model.config.check_image_size(preprocessing.image_size)
        super().__init__(model, facts, **how)
        self.preprocessing = preprocessing
        self.classes = tuple(classes)

    @classmethod
    def described(cls, folder: Path, description: Description, model: Any, **how: Any) -> Self:
        """See `System.described`."""
        if not isinstance(model, ImageModel):
            raise ModelFolderError(folder, f"config.json: a {description.architecture} does not classify images")
        details = ClassifierDetails.read(folder, description.details)
        return cls(model, details.preprocessing, details.classes, description.facts, **how)

    @property
    def details(self) -> ClassifierDetails:
        """Class names and preprocessing."""
        return ClassifierDetails(classes=self.classes, preprocessing=self.preprocessing)

    @property
    def title(self) -> str:
        """See `System.title`."""
        return f"Image classification, {len(self.classes)} classes" if self.classes else "Image features"

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
            HeadlessError: if the model has no classes.
            RecipeError: if `max_pixels` cannot be a limit.
        """
        self.require_head()
        limit = allowed_pixels(max_pixels)
        if isinstance(images, _ONE):
            return self._classify_batch([images], 0, top, limit)[0]
        images = list(images)
        for image in images:
            if not isinstance(image, _ONE):
                raise TypeError(f"an image is a path, a PIL image or an array; found {type(image).__name__}")
        results: list[Classification] = []
        for start in range(0, len(images), batch_size):
            results += self._classify_batch(images[start : start + batch_size], start, top, limit)
        return results

    @torch.inference_mode()
    def probabilities(self, pixels: Tensor) -> Tensor:
        """uint8 pixels (batch, 3, height, width) to class probabilities (batch, classes).

        Raises:
            NotFiniteError: if the network computes what is no number.
        """
        images = self.preprocessing.normalise(pixels.to(self.network.device)).to(self.network.dtype)
        return _probability(self.network.fast(images))

    @torch.inference_mode()
    def features(self, images: Given | Iterable[Given]) -> Tensor:
        """The representation before the head, (images, feature_size); of one image (1, feature_size).

        Raises:
            DataError: if an image cannot be read.
        """
        several = [images] if isinstance(images, _ONE) else list(images)
        if not several:
            return torch.empty(0, self.network.config.feature_size)
        stacked = torch.stack([self._pixels(image, _name(image, i)) for i, image in enumerate(several)])
        pixels = self.preprocessing.normalise(stacked.to(self.network.device)).to(self.network.dtype)
        result: Tensor = self.network.fast.features(pixels)
        return _finite(result.float())

    def attention(
        self,
        image: Given,
        top: int = 5,
        *,
        of_class: int | Literal["likeliest"] | None = None,
        max_pixels: int | None = None,
    ) -> AttendedImage:
        """Classify one image with the reference network, in float32, and keep what it looked at.

        Args:
            image: see `classify`.
            top: how many classes to report.
            of_class: the number of a class, or the likeliest; with it there is also what speaks for that class
                (`ImageModel.class_evidence`).
            max_pixels: see `classify`.

        Raises:
            DataError: if the file cannot be read.
            HeadlessError: if the model has no classes.
            RecipeError: if there is no such class, or `max_pixels` cannot be a limit.
        """
        self.require_head()
        name = _name(image, 0)
        if isinstance(of_class, int) and not 0 <= of_class < len(self.classes):
            raise RecipeError(f"class {of_class}: the model has classes 0 to {len(self.classes) - 1}")
        limit = allowed_pixels(max_pixels)
        with alone(name):
            picture = _opened(image, limit)
            pixels = self.preprocessing.pixels(picture)
        images = self.preprocessing.normalise(pixels[None].to(self.network.device))
        model = self.reference()
        with torch.inference_mode():
            if of_class is None:
                logits, evidence = model.answer_and_evidence(images)
            else:
                asked = torch.tensor([of_class]) if isinstance(of_class, int) else None
                logits, evidence = model.answer_and_all_evidence(images, asked)
        found = of_class if isinstance(of_class, int) else int(logits.argmax())
        result = Classification(name, self._best(_probability(logits)[0], top))
        return AttendedImage(result, pixels, evidence, picture, self.classes[found], found)

    def reference(self) -> ImageModel:
        """The network of `models` in float32: itself, or a copy where its weights are of half precision."""
        model: ImageModel = self.model
        return model if self.network.dtype == torch.float32 else copy.deepcopy(model).float()

    def _summary(self) -> str:
        height, width = self.preprocessing.image_size
        return f"{len(self.classes)} classes, images of {height} x {width} pixels"

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

    def _pixels(self, image: Given, name: str, limit: int | None = None) -> Tensor:
        with alone(name):
            return self.preprocessing.pixels(_opened(image, limit))

    def _classify_batch(self, images: Sequence[Given], first: int, top: int, limit: int) -> list[Classification]:
        pixels: list[Tensor] = []
        errors: list[str | None] = []
        for index, image in enumerate(images, first):
            try:
                pixels.append(self._pixels(image, _name(image, index), limit))
                errors.append(None)
            except DataError as error:
                errors.append(str(error))
        with memory_for(f"{len(pixels)} images at once", "give fewer at once"):
            rows = iter(self.probabilities(torch.stack(pixels)) if pixels else ())
        return [
            Classification(_name(image, first + i), self._best(next(rows), top) if error is None else (), error)
            for i, (image, error) in enumerate(zip(images, errors, strict=True))
        ]

    def _best(self, probability: Tensor, top: int) -> tuple[tuple[str, float], ...]:
        found = probability.topk(min(top, len(self.classes)))
        return tuple((self.classes[i], p) for p, i in zip(found.values.tolist(), found.indices.tolist(), strict=True))


def _probability(logits: Tensor) -> Tensor:
    return _finite(logits.float()).softmax(-1)


def _finite(answer: Tensor) -> Tensor:
    if not bool(answer.isfinite().all()):
        raise NotFiniteError(
            "the network's answers are infinite or not numbers; its weights are damaged or too large, or its "
            "preprocessing is another's"
        )
    return answer


def _opened(image: Given, limit: int | None) -> Image.Image:
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (3, 4)):
            raise ValueError(f"an array of {image.dtype} {image.shape}; expected uint8 (height, width, 3)")
        image = Image.fromarray(image)
    if isinstance(image, Image.Image):
        return as_rgb(image)  # Pillow decodes when pixels are first asked for
    return image.decode(limit) if isinstance(image, Picture) else open_image(Path(image), max_pixels=limit)


def _name(image: Given, index: int) -> str:
    if isinstance(image, Picture):
        return image.name
    return f"image {index + 1}" if isinstance(image, Image.Image | np.ndarray) else str(image)
