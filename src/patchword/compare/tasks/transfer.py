"""Pre-training on some classes and fine-tuning on few images of others: digits, or CIFAR-10 where it is."""

from typing import NamedTuple

from patchword.compare.claim import Setup, Work
from patchword.compare.tasks.classes import Classes
from patchword.compare.tasks.images import cifar10, digits
from patchword.compare.tasks.other_classes import divided

PRETRAINED = 6  # classes of the ten


class Plan(NamedTuple):
    """How much of it.

    Attributes:
        images: to train on in all, of the ten classes; all that there are by default.
        numbers: images of each class that are fine-tuned on, one after the other.
        pretraining: steps.
        steps: of fine-tuning.
        patch: the ViT's patch size.
        width: of the ViT.
        layers: of the ViT.
    """

    images: int | None
    numbers: tuple[int, ...]
    pretraining: int
    steps: int
    patch: int
    width: int
    layers: int


DIGITS = {
    "quick": Plan(None, (5, 20, 60), 400, 200, patch=2, width=32, layers=3),
    "full": Plan(None, (5, 20, 60), 1500, 600, patch=2, width=128, layers=6),
}
CIFAR = {
    "quick": Plan(6000, (10, 50, 100), 300, 150, patch=4, width=32, layers=3),
    "full": Plan(48_000, (10, 50, 100, 500), 1000, 200, patch=4, width=128, layers=6),
}


def plan_for(setup: Setup) -> Plan:
    """What a run of its size does with the data that are there."""
    return (CIFAR if setup.corpus("cifar10") else DIGITS)[setup.scale]


def transfer(work: Work) -> tuple[Classes, Classes]:
    """What to pre-train on, and what to fine-tune on; which classes each has is drawn from the seed."""
    folder, images, generator = work.setup.corpus("cifar10"), plan_for(work.setup).images, work.generator()
    # There are few digits: those of four classes that are not fine-tuned on serve to test.
    task = digits(generator, images, (0.15, 0.35)) if folder is None else cifar10(folder, generator, images)
    return divided(task, PRETRAINED, generator)
