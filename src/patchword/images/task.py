"""Image classification as a task for the training loop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from patchword.errors import DataError
from patchword.images.augmentation import augment
from patchword.images.beginning import beginning
from patchword.images.cache import ImageCache
from patchword.images.classifier import ImageClassifier
from patchword.images.dataset import described_classes, read_dataset, training_data
from patchword.images.layout import VALIDATION
from patchword.images.recipe import ClassificationRecipe
from patchword.models.contracts import ImageModel
from patchword.training.events import Listener, Note, ignore
from patchword.training.fingerprint import Fingerprint
from patchword.training.losses import smooth_one_hot, soft_cross_entropy
from patchword.training.state import epoch_generator
from patchword.training.task import BatchLoss

MOST_DAMAGED = 0.05  # of the images, in training


@dataclass(frozen=True)
class ImageBatch:
    """Normalised images (batch, 3, height, width), and class distributions (batch, classes), mixed but not smoothed."""

    images: Tensor
    targets: Tensor


class ClassificationTask:
    """Images, classes and model of one training run.

    Args:
        recipe: what to do.
        train: decoded training images.
        validation: decoded validation images, none of which is trained on.
        classes: names of the classes.
        model: a network of that many classes, new or trained before.
        notes: what is to be said of it.
    """

    unit = "images"
    size_key = "batch_size"
    batch_sizes = (32, 64, 128, 256, 512, 1024)
    metric = "accuracy"
    greater_is_better = True

    def __init__(
        self,
        recipe: ClassificationRecipe,
        train: ImageCache,
        validation: ImageCache,
        classes: tuple[str, ...],
        model: ImageModel,
        notes: Sequence[str] = (),
    ) -> None:
        self.recipe, self.classes = recipe, classes
        self.model = model
        self.frozen = model.frozen(recipe.freeze)
        self._train, self._validation = train, validation
        self.fingerprint = Fingerprint("images", len(train), len(validation), train.digest, validation.digest)
        self.skipped = [*train.skipped, *validation.skipped]
        counts = f"{len(train):,} training images, {len(validation):,} validation images, {len(classes)} classes"
        self.notes = [*notes, counts]
        if self.skipped:
            self.notes.append(f"{len(self.skipped)} files could not be read and are skipped:")
            self.notes += [f"  {reason}" for _, reason in self.skipped[:20]]
            if len(self.skipped) > 20:
                self.notes.append(f"  and {len(self.skipped) - 20} more")

    @classmethod
    def prepare(cls, recipe: ClassificationRecipe, run: Path, listener: Listener = ignore) -> "ClassificationTask":
        """Data, settings, model, pixels: list the images and split them, see what the run begins with, and decode.

        Args:
            recipe: what to do; its seed decides the split, so a resumed run has the same.
            run: the run folder, for a memory-mapped cache.
            listener: hears how far the decoding is.

        Raises:
            DataError: if the images cannot be used.
            ModelFolderError: if the init model cannot be used.
        """
        settings, limit = recipe.data, recipe.data.max_pixels
        place = settings.path(settings.train)
        if settings.validation is not None:
            train = read_dataset(place, max_pixels=limit)
            held = read_dataset(settings.path(settings.validation), VALIDATION, fewest=1, max_pixels=limit)
            validation = held.with_classes(train.classes)
        else:
            train, validation = training_data(place, settings.hold_out, recipe.training.seed, limit)
        begin = beginning(recipe, train.classes, run)
        model = begin.model()
        train, validation = (data.with_classes(begin.classes) for data in (train, validation))
        preprocessing = begin.recipe.preprocessing
        said = (*dict.fromkeys((*train.notes, *validation.notes)), f"classes: {described_classes(train)}")
        for note in said:
            listener(Note(note))
        caches = [ImageCache(data, preprocessing, run / "cache", listener) for data in (train, validation)]
        _check_skipped(caches, settings.strict)
        return cls(begin.recipe, caches[0], caches[1], begin.classes, model, begin.notes)

    @property
    def _batch_size(self) -> int:
        assert isinstance(self.recipe.batch_size, int)  # "auto" is found out before the first batch
        return self.recipe.batch_size

    def epoch(self, number: int) -> list[Tensor]:
        """Batches of image indices in random order; what does not fill a batch is left out, other images each time.

        A function of the seed and the number alone.
        """
        generator = epoch_generator(self.recipe.training.seed, number)
        order = torch.randperm(len(self._train), generator=generator)
        size = min(self._batch_size, len(order))
        return list(order[: len(order) // size * size].split(size))

    def named(self, batch: Tensor) -> str:
        """The names of a batch's images."""
        shown = ", ".join(self._train.name_of(i) for i in batch[:3].tolist())
        return f"{len(batch)} images, {shown}{', ...' if len(batch) > 3 else ''}"

    def load(self, batch: Tensor, device: torch.device) -> ImageBatch:
        """Augmented, normalised images of one batch."""
        labels = self._train.labels[batch]
        targets = smooth_one_hot(labels, len(self.classes), smoothing=0.0)
        pixels, targets = augment(self._train.pixels(batch.tolist()), targets, self.recipe.augmentation)
        return ImageBatch(self.recipe.preprocessing.normalise(pixels).to(device), targets.to(device))

    def loss(self, model: Any, tensors: ImageBatch) -> BatchLoss:
        """Cross-entropy of the softmax with the smoothed targets; the plain one is with the mixed but unsmoothed."""
        logits = model(tensors.images).float()
        smoothing = self.recipe.training.label_smoothing
        smoothed = tensors.targets * (1 - smoothing) + smoothing / len(self.classes)
        plain = soft_cross_entropy(logits.detach(), tensors.targets)
        return BatchLoss(soft_cross_entropy(logits, smoothed), len(tensors.targets), plain)

    def validate(self, model: Any) -> dict[str, float]:
        """Loss in nats and accuracy in percent, on unchanged images."""
        device = next(model.parameters()).device
        loss, right = 0.0, 0
        for indices in torch.arange(len(self._validation)).split(self._batch_size):
            labels = self._validation.labels[indices].to(device)
            images = self.recipe.preprocessing.normalise(self._validation.pixels(indices.tolist())).to(device)
            logits = model(images).float()
            loss += float(F.cross_entropy(logits, labels, reduction="sum"))
            right += int((logits.argmax(-1) == labels).sum())
        return {"loss": loss / len(self._validation), "accuracy": 100.0 * right / len(self._validation)}

    def save(self, model: Any, folder: Path, facts: Mapping[str, Any]) -> None:
        """Write a model folder that `ImageClassifier.load` opens."""
        ImageClassifier(model, self.recipe.preprocessing, self.classes, facts).save(folder)


def _check_skipped(caches: Sequence[ImageCache], strict: bool) -> None:
    """See that enough is left of the training and validation images, and something of every class to train on.

    Raises:
        DataError: if more than `MOST_DAMAGED` of them, and more than one, cannot be read, or with `strict` any; or a
            class has none left.
    """
    reasons, count = [reason for cache in caches for _, reason in cache.skipped], sum(len(c.data) for c in caches)
    origin = caches[0].data.origin
    if strict and reasons:
        raise DataError(origin, f"{len(reasons):,} of {count:,} images cannot be read; the first: {reasons[0]}")
    if len(reasons) > max(1, MOST_DAMAGED * count):
        raise DataError(
            origin,
            f"{len(reasons):,} of {count:,} images cannot be read, more than the {100 * MOST_DAMAGED:g} % that are "
            f"left out; the first: {reasons[0]}",
        )
    for label in sorted(set(caches[0].data.labels) - set(caches[0].labels.tolist())):
        raise DataError(origin, f"class {caches[0].data.classes[label]!r} has no image that can be read")
