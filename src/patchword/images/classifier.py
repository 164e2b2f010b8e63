"""A trained image classifier: image in, classes out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from PIL import Image
from torch import Tensor

from patchword.checkpoints.card import model_card
from patchword.checkpoints.exportable import Exportable
from patchword.checkpoints.model_folder import (
    Description,
    model_path,
    read_description,
    read_model,
    write_model_folder,
)
from patchword.engine.network import Network
from patchword.engine.products import Precision
from patchword.errors import DataError, HeadlessError, ModelFolderError, RecipeError
from patchword.images.files import as_rgb, open_image
from patchword.images.transforms import Preprocessing
from patchword.nn.trace import AttentionTrace


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
    """A classification with its attention.

    Attributes:
        classification: the result.
        pixels: uint8, (3, height, width): what the model saw.
        trace: its "encoder" maps are (1, heads, tokens, tokens), one a layer.
        grid: rows and columns of patches, the last rows * columns tokens.
    """

    classification: Classification
    pixels: Tensor
    trace: AttentionTrace
    grid: tuple[int, int]


class ImageClassifier:
    """Classifies with a model, its preprocessing and its class names.

    Args:
        model: from images (batch, 3, height, width) to logits (batch, classes).
        preprocessing: what it was trained with.
        classes: a name for each logit; none for a backbone without a head, which has features alone.
        facts: what is known about the model.
        precision: of the matrix products on the CPU: "float32", or "int8", which is faster and takes a quarter of
            the memory, for a small loss.
        reference: run the network of `models` itself, not the engine's packed one.
        reread: makes the same model again; see `engine.network.Network`.

    Raises:
        ValueError: if the head has another number of classes, or takes another image size.
        RecipeError: if int8 is asked for and the network has no packed form.
    """

    task = "classification"

    def __init__(
        self,
        model: Any,
        preprocessing: Preprocessing,
        classes: Sequence[str],
        facts: Mapping[str, Any] | None = None,
        *,
        precision: Precision = "float32",
        reference: bool = False,
        reread: Callable[[], Any] | None = None,
    ) -> None:
        if model.config.num_classes != len(classes):
            raise ValueError(f"{len(classes)} class names for a head of {model.config.num_classes} classes")
        if tuple(model.config.image_size) != tuple(preprocessing.image_size):
            raise ValueError(
                f"preprocessing makes images of {preprocessing.image_size}, the model takes {model.config.image_size}"
            )
        self.network = Network(model, precision, reference, reread)
        self.preprocessing = preprocessing
        self.classes = tuple(classes)
        self.facts = dict(facts or {})

    @property
    def model(self) -> Any:
        """The network, for looking into and for changing; what classifies follows its weights."""
        return self.network.model

    @classmethod
    def load(cls, path: Path | str, *, precision: Precision = "float32", reference: bool = False) -> Self:
        """Open a model folder, or a run folder's best model.

        Args:
            path: the folder.
            precision: "float32", or "int8" for more speed and less memory at a small loss.
            reference: run the network of `models` itself, not the engine's packed one.

        Raises:
            ModelFolderError: if the folder is missing, damaged, for another task, or its parts do not fit.
        """
        folder = model_path(Path(path))
        description = read_description(folder, cls.task)
        preprocessing, classes = read_details(folder, description)
        try:
            if description.architecture != "vision_transformer":
                raise ModelFolderError(folder, f"config.json: a {description.architecture} does not classify images")
            return cls(
                read_model(folder, description),
                preprocessing,
                classes,
                description.facts,
                precision=precision,
                reference=reference,
                reread=lambda: read_model(folder, description),
            )
        except (ValueError, RecipeError) as error:
            raise ModelFolderError(folder, str(error)) from None

    def save(self, path: Path | str) -> None:
        """Write a model folder."""
        card = model_card(
            f"Image classification, {len(self.classes)} classes" if self.classes else "Image features",
            f"A network with {sum(p.numel() for p in self.model.parameters()):,} parameters, made by Patchword.",
            "patchword classify THIS_FOLDER photo.jpg",
            self.facts,
        )
        write_model_folder(Path(path), self.model, task=self.task, details=self._details, facts=self.facts, card=card)

    def exportable(self) -> Exportable:
        """What an exporter needs of it."""
        return Exportable(self.model, self.task, self._details)

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
        """The representation before the head, (images, d_model)."""
        pixels = self.preprocessing(images).to(self.network.device, self.network.dtype)
        result: Tensor = self.network.fast.features(pixels)
        return result.float()

    def attention(self, image: Path | str | Image.Image, top: int = 5) -> AttendedImage:
        """Classify one image and keep where every head looked.

        Raises:
            DataError: if the file cannot be read.
            HeadlessError: if the model has no classes.
        """
        self.require_head()
        pixels = self.preprocessing.pixels(_opened(image))
        trace = AttentionTrace()
        with torch.inference_mode():
            images = self.preprocessing.normalise(pixels[None].to(self.network.device))
            logits = self.model(images.to(self.network.dtype), trace).float()
        result = Classification(_name(image, 0), self._best(logits.softmax(-1)[0], top))
        return AttendedImage(result, pixels, trace, self.model.config.grid)

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

    @property
    def _details(self) -> dict[str, Any]:
        return {"classes": list(self.classes), "preprocessing": self.preprocessing.model_dump(mode="json")}

    def _classify_batch(self, images: Sequence[Path | str | Image.Image], first: int, top: int) -> list[Classification]:
        pixels: list[Tensor] = []
        errors: list[str | None] = []
        for image in images:
            try:
                pixels.append(self.preprocessing.pixels(_opened(image)))
                errors.append(None)
            except DataError as error:
                errors.append(str(error))
        rows = iter(self.probabilities(torch.stack(pixels)) if pixels else ())
        return [
            Classification(_name(image, first + i), self._best(next(rows), top) if error is None else (), error)
            for i, (image, error) in enumerate(zip(images, errors, strict=True))
        ]

    def _best(self, probability: Tensor, top: int) -> tuple[tuple[str, float], ...]:
        found = probability.topk(min(top, len(self.classes)))
        return tuple((self.classes[i], p) for p, i in zip(found.values.tolist(), found.indices.tolist(), strict=True))


def read_details(folder: Path, description: Description) -> tuple[Preprocessing, tuple[str, ...]]:
    """Preprocessing and class names of a described classifier.

    Raises:
        ModelFolderError: if one of them is missing or is none.
    """
    details = description.details
    for key in ("preprocessing", "classes"):
        if key not in details:
            raise ModelFolderError(folder, f"config.json: key 'details.{key}' is missing")
    classes = details["classes"]
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise ModelFolderError(folder, "config.json: details.classes is not a list of names")
    try:
        return Preprocessing.parse(details["preprocessing"], "config.json: details.preprocessing"), tuple(classes)
    except RecipeError as error:
        raise ModelFolderError(folder, str(error)) from None


def _opened(image: Path | str | Image.Image) -> Image.Image:
    if not isinstance(image, Image.Image):
        return open_image(Path(image))
    try:
        return as_rgb(image)
    except (OSError, ValueError, SyntaxError) as error:  # Pillow decodes when pixels are first asked for
        raise DataError(image.__dict__.get("filename") or "image", f"the image is damaged: {error}") from None


def _name(image: Path | str | Image.Image, index: int) -> str:
    return f"image {index + 1}" if isinstance(image, Image.Image) else str(image)
