"""Evaluating a classifier on labelled images."""

import torch

from patchword.errors import DataError
from patchword.images.classifier import ImageClassifier
from patchword.images.dataset import LabelledImages
from patchword.images.files import alone
from patchword.images.scores import ClassificationScores, score_classifications


def evaluate_classifier(
    classifier: ImageClassifier, data: LabelledImages, batch_size: int = 64
) -> ClassificationScores:
    """Classify every image and score the result; a file that cannot be read is listed, not scored.

    Args:
        classifier: the model.
        data: images that it was not trained on; their classes must be among the model's.
        batch_size: images put through the model together.

    Raises:
        HeadlessError: if the model has no classes.
        DataError: if a class is unknown to the model, or no image can be read.
    """
    classifier.require_head()
    data = data.with_classes(classifier.classes)
    probabilities, labels, skipped = [], [], []
    pixels: list[torch.Tensor] = []
    for index in range(len(data)):
        try:
            with alone(data.name_of(index)):
                pixels.append(classifier.preprocessing.pixels(data.open(index)))
            labels.append(data.labels[index])
        except DataError as error:
            skipped.append(str(error))
        if len(pixels) == batch_size:
            probabilities.append(classifier.probabilities(torch.stack(pixels)).cpu())
            pixels = []
    if pixels:
        probabilities.append(classifier.probabilities(torch.stack(pixels)).cpu())
    if not labels:
        raise DataError(data.origin, f"none of its images can be read; the first: {skipped[0]}")
    return score_classifications(torch.cat(probabilities), torch.tensor(labels), data.classes, tuple(skipped))
