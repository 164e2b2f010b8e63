"""How fast an image classifier is on this machine."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

import torch

from patchword.images.classifier import ImageClassifier


@dataclass(frozen=True)
class ClassificationSpeed:
    """One measurement.

    Attributes:
        images: given at once.
        images_a_second: through the network, decoding and resizing of files not counted; the median of the rounds.
    """

    images: int
    images_a_second: float


def classification_speeds(
    classifier: ImageClassifier, sizes: tuple[int, ...] = (1, 8, 32), rounds: int = 5
) -> Iterator[ClassificationSpeed]:
    """Classify made-up images.

    Args:
        classifier: what to measure.
        sizes: numbers of images given at once.
        rounds: timed repetitions, after one that is not timed.
    """
    generator = torch.Generator().manual_seed(1)
    for size in sizes:
        shape = (size, 3, *classifier.preprocessing.image_size)
        pixels = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
        seconds = []
        for _ in range(rounds + 1):
            start = time.perf_counter()
            classifier.probabilities(pixels)
            seconds.append(time.perf_counter() - start)
        yield ClassificationSpeed(size, size / median(seconds[1:]))
