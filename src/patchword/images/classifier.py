"""A trained image classifier: image in, classes out."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from patchword.checkpoints.description import Description
from patchword.errors import ModelFolderError, NotFiniteError, RecipeError
from patchword.images.classification import AttendedImage, Classification
from patchword.images.classifying import (
    NOT_FINITE,
    ONE,
    Classifying,
    Given,
    Pixels,
    check_fit,
    name_of,
    opened,
    softmax,
)
from patchword.images.details import ClassifierDetails
from patchword.images.files import allowed_pixels, alone
from patchword.images.transforms import Preprocessing
from patchword.models.contracts import ImageModel
from patchword.system import System


class ImageClassifier(System, Classifying):
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
        check_fit(model.config, preprocessing, classes)
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

    @torch.inference_mode()
    def probabilities(self, pixels: Tensor) -> Tensor:
        """uint8 pixels (batch, 3, height, width) to class probabilities (batch, classes).

        Raises:
            NotFiniteError: if the network computes what is no number.
        """
        return _finite(self._logits(pixels)).softmax(-1)

    @torch.inference_mode()
    def features(self, images: Given | Iterable[Given]) -> Tensor:
        """The representation before the head, (images, feature_size); of one image (1, feature_size).

        Raises:
            DataError: if an image cannot be read.
        """
        several = [images] if isinstance(images, ONE) else list(images)
        if not several:
            return torch.empty(0, self.network.config.feature_size)
        stacked = torch.from_numpy(
            np.stack([self._pixels(image, name_of(image, i)) for i, image in enumerate(several)])
        )
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
        name = name_of(image, 0)
        if isinstance(of_class, int) and not 0 <= of_class < len(self.classes):
            raise RecipeError(f"class {of_class}: the model has classes 0 to {len(self.classes) - 1}")
        limit = allowed_pixels(max_pixels)
        with alone(name):
            picture = opened(image, limit)
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
        result = Classification(name, self._best(softmax(logits.float().cpu().numpy())[0], top))
        return AttendedImage(result, pixels, evidence, picture, self.classes[found], found)

    def reference(self) -> ImageModel:
        """The network of `models` in float32: itself, or a copy where its weights are of half precision."""
        model: ImageModel = self.model
        return model if self.network.dtype == torch.float32 else copy.deepcopy(model).float()

    def _summary(self) -> str:
        height, width = self.preprocessing.image_size
        return f"{len(self.classes)} classes, images of {height} x {width} pixels"

    @torch.inference_mode()
    def _probabilities(self, pixels: Pixels) -> NDArray[np.float32]:
        return softmax(self._logits(torch.from_numpy(pixels)).cpu().numpy())

    def _logits(self, pixels: Tensor) -> Tensor:
        images = self.preprocessing.normalise(pixels.to(self.network.device)).to(self.network.dtype)
        logits: Tensor = self.network.fast(images)
        return logits.float()


def _finite(answer: Tensor) -> Tensor:
    if not bool(answer.isfinite().all()):
        raise NotFiniteError(NOT_FINITE)
    return answer
