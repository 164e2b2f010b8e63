"""k-nearest-neighbour accuracy: what a model's features tell apart, without any head (Wu et al. 2018)."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from patchword.errors import DataError, RecipeError, nearest
from patchword.images.classifier import ImageClassifier
from patchword.images.dataset import LabelledImages
from patchword.images.scores import ClassScores, class_table, confusion_table, score_classifications

MOST_WAITING = 2**24  # decoded pixels that wait for their batch to be full


@dataclass(frozen=True)
class NeighbourScores:
    """What a vote of nearest neighbours got right; shares are in percent.

    Attributes:
        k: neighbours that vote for each image.
        accuracy: images of the class that most of their neighbours have.
        images: how many were scored.
        neighbours: how many there were to choose each image's neighbours from.
        classes: a row a class.
        confusion: rows are true classes, columns voted ones, in the order of `classes`.
        skipped: why each unreadable file was left out.
    """

    k: int
    accuracy: float
    images: int
    neighbours: int
    classes: tuple[ClassScores, ...]
    confusion: tuple[tuple[int, ...], ...]
    skipped: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    def as_text(self) -> str:
        """All of it as tables for people."""
        images = f"{self.images:,} images, neighbours chosen from {self.neighbours:,} by cosine similarity"
        lines = [f"{self.k}-NN accuracy {self.accuracy:6.2f} % of {images}", ""]
        lines += [*class_table(self.classes), *confusion_table(self.classes, self.confusion)]
        return "\n".join(lines)


def evaluate_neighbours(
    classifier: ImageClassifier, data: LabelledImages, k: int, neighbours: LabelledImages | None = None
) -> NeighbourScores:
    """Give every image the class that most of its k nearest neighbours have, and score the result.

    Neighbours are the images whose features have the greatest cosine similarity. Of classes with equally many votes
    the one with the greater sum of similarities wins.

    Args:
        classifier: whose features are used; its head and its classes are not.
        data: the images to be classified; of any classes.
        k: neighbours that vote.
        neighbours: labelled images that the neighbours come from; None for leave-one-out: from `data`, but an image is
            never its own neighbour.

    Raises:
        DataError: if no image can be read, or a class of `data` is none of the neighbours'.
        RecipeError: if there are fewer than k neighbours.
    """
    from sklearn.neighbors import NearestNeighbors

    classes = data.classes if neighbours is None else neighbours.classes
    for name in data.classes:
        if name not in classes:
            assert neighbours is not None
            raise DataError(data.origin, f"class {name!r} is not in {neighbours.origin}; {nearest(name, classes)}")
    queries, labels, skipped = _features(classifier, data.with_classes(classes))
    known, known_labels, others = (queries, labels, []) if neighbours is None else _features(classifier, neighbours)
    available = len(known) - (neighbours is None)
    if k > available:
        origin = (neighbours or data).origin
        raise RecipeError(f"{k} neighbours asked for, but in {origin} an image has {available} at most")
    search = NearestNeighbors(n_neighbors=k, metric="cosine", algorithm="brute").fit(known)
    # Without queries of its own scikit-learn leaves each image out of its own neighbours, its copies not.
    distances, indices = search.kneighbors(None if neighbours is None else queries)
    shares = _votes(1 - distances, known_labels[indices], len(classes))
    scores = score_classifications(torch.from_numpy(shares), torch.from_numpy(labels), classes)
    return NeighbourScores(
        k=k,
        accuracy=scores.top1,
        images=len(labels),
        neighbours=available,
        classes=scores.classes,
        confusion=scores.confusion,
        skipped=(*skipped, *others),
    )


def _votes(similarities: NDArray[Any], labels: NDArray[Any], num_classes: int) -> NDArray[Any]:
    """Votes (images, classes) of neighbours (images, k); the similarities add less than a vote, to break ties."""
    voted = labels[:, :, None] == np.arange(num_classes)
    weight = (1 + similarities.clip(-1, 1)) / (2 * labels.shape[1] + 1)
    return np.asarray((voted * (1 + weight[:, :, None])).sum(axis=1))


def _features(
    classifier: ImageClassifier, data: LabelledImages, batch_size: int = 64
) -> tuple[NDArray[Any], NDArray[Any], list[str]]:
    """Features (images, width) and labels of the readable images, and why the others are not."""
    features: list[torch.Tensor] = []
    labels: list[int] = []
    skipped: list[str] = []
    images: list[Image.Image] = []
    for index in range(len(data)):
        try:
            images.append(data.open(index))
            labels.append(data.labels[index])
        except DataError as error:
            skipped.append(str(error))
        pixels = sum(image.width * image.height for image in images)
        if len(images) == batch_size or pixels > MOST_WAITING or (images and index == len(data) - 1):
            features.append(classifier.features(images).float().cpu())
            images = []
    if not labels:
        raise DataError(data.origin, f"none of its images can be read; the first: {skipped[0]}")
    return torch.cat(features).numpy(), np.array(labels), skipped
