"""The linear probe: what a frozen network's representations tell of classes that it was not trained on."""

import torch

from patchword.compare.tasks.classes import AT_ONCE, Classes, Split
from patchword.compare.training import beside
from patchword.models.contracts import ImageModel


def represented(network: ImageModel, task: Classes) -> Classes:
    """A task with a network's representations (count, feature_size) in the place of the images.

    Args:
        network: left in evaluation mode.
        task: of images; not shifted.
    """
    network.eval()

    def part(split: Split) -> Split:
        with torch.inference_mode():
            found = [network.features(beside(network, images)).cpu() for images in split.inputs.split(AT_ONCE)]
        return Split(torch.cat(found), split.classes)

    return Classes(part(task.train), part(task.validation), part(task.test), task.count)


def linear_probe(task: Classes) -> float:
    """Test accuracy of a logistic regression on representations, each brought to mean 0 and deviation 1 first."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    # With more threads a sum has other bits.
    with threadpool_limits(1):
        probe.fit(task.train.inputs.double().numpy(), task.train.classes.numpy())
        return float(probe.score(task.test.inputs.double().numpy(), task.test.classes.numpy()))
