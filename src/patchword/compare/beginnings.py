"""What a network is before it is fine-tuned: nothing but first weights, or pre-trained with the best rate of a grid."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from patchword.compare.claim import Work, seed_of
from patchword.compare.training import Budget, Task, measured, train
from patchword.models.contracts import ImageModel


def untrained(make: Callable[[], ImageModel], work: Work) -> ImageModel:
    """A network whose first weights depend on the claim and the seed alone, not on what ran before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(work.claim, "weights", work.seed))
        return make().to(work.setup.device).eval()


def pretrained(
    make: Callable[[], ImageModel], task: Task, budget: Budget, rates: Sequence[float], work: Work
) -> ImageModel:
    """A network trained with each rate from the same first weights: the one that is best on validation data.

    Args:
        make: see `untrained`.
        task: to pre-train on.
        budget: for each rate.
        rates: of two that are equally good the first is taken.
        work: whose own rate is not used.
    """
    best, most = None, -1.0
    for rate in rates:
        network = untrained(make, work)
        train(network, task, budget, replace(work, rate=rate))
        accuracy = measured(network, task, "validation")["accuracy"]
        if accuracy > most:
            best, most = network, accuracy
    assert best is not None
    return best


def fine_tunable(network: ImageModel, size: Sequence[int], classes: int) -> ImageModel:
    """A copy with a new head of zeros (Dosovitskiy et al. 2021, section 3.2); the network stays as it is.

    Args:
        network: to begin with.
        size: height and width of the images.
        classes: of the new head.
    """
    return network.adapted(network.config.adapted((size[0], size[1]), classes, {}), keep_head=False)
