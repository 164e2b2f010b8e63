"""How fast an image classifier is on this machine."""

from collections.abc import Iterator

import torch
from torch import Tensor

from patchword.images.classifier import ImageClassifier
from patchword.speed import Speed, timed


def classification_speeds(
    classifier: ImageClassifier, sizes: tuple[int, ...] = (1, 8, 32), rounds: int = 5
) -> Iterator[Speed]:
    """Put made-up images through the network; decoding and resizing of files are not counted.

    Args:
        classifier: what to measure.
        sizes: numbers of images given at once.
        rounds: timed repetitions, after one that is not timed.
    """
    generator = torch.Generator().manual_seed(1)
    for size in sizes:
        shape = (size, 3, *classifier.preprocessing.image_size)
        pixels = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)

        def work(pixels: Tensor = pixels) -> int:
            return len(classifier.probabilities(pixels))

        seconds, _ = timed(work, rounds)
        values = {"images": size, "images_a_second": size / seconds}
        yield Speed(f"{size} at once", "images", size / seconds, values)
