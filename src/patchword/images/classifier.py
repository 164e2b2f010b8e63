"""A trained image classifier: image in, classes out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from PIL import Image
from torch import Tensor

from patchword.checkpoints.model_folder import Description
from patchword.errors import DataError, HeadlessError, ModelFolderError
from patchword.images.details import ClassifierDetails
from patchword.images.files import as_rgb, open_image
from patchword.images.transforms import Preprocessing
from patchword.memory import memory_for
from patchword.models.contracts import Evidence, ImageModel
from patchword.system import System


@dataclass(frozen=True)
class Classification:
    """What is in an image.

    Attributes:
        name: the file, or "image N" for one given as pixels.
        predictions: (class, probability), likeliest first; empty if the file could not be read.
        error: why it could not be read, else None.
    """

    name: str
    predictions: tuple[tuple[str, float], ...]
    error: str | None = None


@dataclass(frozen=True)
class AttendedImage:
    """A classification with what the model looked at.

    Attributes:
        classification: the result.
        pixels: uint8, (3, height, width): what the model saw.
        evidence: what the model looked at, of one image; a ViT's "encoder" attention, for instance.
    """

    classification: Classification
    pixels: Tensor
    evidence: Evidence


class ImageClassifier(System):
    """Classifies with a model, its preprocessing and its class names.

    Args:
        model: from images (batch, 3, height, width) to logits (batch, classes).
        preprocessing: what it was trained with.
        classes: a name for each logit; none for a backbone without a head, which has features alone.
        facts: what is known about the model.
        how: precision, reference and reread; see `System`.

    Raises:
        ValueError: if the head has another number of classes, or takes another image size.
        RecipeError: if int8 is asked for and the network has no packed form.
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

    def classify(
        self, images: Sequence[Path | str | Image.Image], top: int = 5, batch_size: int = 32
    ) -> list[Classification]:
        """Classify images, in order.

        Args:
            images: files, or decoded images of any mode.
            top: how many classes to report for each.
            batch_size: images put through the model together.

        Raises:
            HeadlessError: if the model has no classes.
        """
        self.require_head()
        results: list[Classification] = []
        for start in range(0, len(images), batch_size):
            results += self._classify_batch(images[start : start + batch_size], start, top)
        return results

    @torch.inference_mode()
    def probabilities(self, pixels: Tensor) -> Tensor:
        """uint8 pixels (batch, 3, height, width) to class probabilities (batch, classes)."""
        images = self.preprocessing.normalise(pixels.to(self.network.device)).to(self.network.dtype)
        probability: Tensor = self.network.fast(images).float().softmax(-1)
        return probability

    @torch.inference_mode()
    def features(self, images: Sequence[Image.Image]) -> Tensor:
        """The representation before the head, (images, feature_size)."""
        pixels = self.preprocessing(images).to(self.network.device, self.network.dtype)
        result: Tensor = self.network.fast.features(pixels)
        return result.float()

    def attention(self, image: Path | str | Image.Image, top: int = 5) -> AttendedImage:
        """Classify one image and look again at what the model looked at.

        Raises:
            DataError: if the file cannot be read.
            HeadlessError: if the model has no classes.
        """
        self.require_head()
        pixels = self.preprocessing.pixels(_opened(image))
        images = self.preprocessing.normalise(pixels[None].to(self.network.device))
        with torch.inference_mode():
            logits = self.model(images.to(self.network.dtype)).float()
            evidence = self.model.evidence(images.to(self.network.dtype))
        result = Classification(_name(image, 0), self._best(logits.softmax(-1)[0], top))
        return AttendedImage(result, pixels, evidence)

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

    def _classify_batch(self, images: Sequence[Path | str | Image.Image], first: int, top: int) -> list[Classification]:
        pixels: list[Tensor] = []
        errors: list[str | None] = []
        for image in images:
            try:
                pixels.append(self.preprocessing.pixels(_opened(image)))
                errors.append(None)
            except DataError as error:
                errors.append(str(error))
        with memory_for(f"{len(pixels)} images at once", "lower batch_size, or use a model of smaller images"):
            rows = iter(self.probabilities(torch.stack(pixels)) if pixels else ())
        return [
            Classification(_name(image, first + i), self._best(next(rows), top) if error is None else (), error)
            for i, (image, error) in enumerate(zip(images, errors, strict=True))
        ]

    def _best(self, probability: Tensor, top: int) -> tuple[tuple[str, float], ...]:
        found = probability.topk(min(top, len(self.classes)))
        return tuple((self.classes[i], p) for p, i in zip(found.values.tolist(), found.indices.tolist(), strict=True))


def _opened(image: Path | str | Image.Image) -> Image.Image:
    if not isinstance(image, Image.Image):
        return open_image(Path(image))
    try:
        return as_rgb(image)
    except (OSError, ValueError, SyntaxError) as error:  # Pillow decodes when pixels are first asked for
        raise DataError(image.__dict__.get("filename") or "image", f"the image is damaged: {error}") from None


def _name(image: Path | str | Image.Image, index: int) -> str:
    return f"image {index + 1}" if isinstance(image, Image.Image) else str(image)
