"""Integrated gradients (Sundararajan et al. 2017) by captum, where it is installed: what our maps are compared with."""

from torch import Tensor

from patchword.models.contracts import ImageModel
from patchword.models.evidence import differentiating

STEPS = 32  # of the integral


def integrated_gradients(model: ImageModel, images: Tensor, classes: Tensor) -> Tensor:
    """What each pixel adds to a class's logit, on the way from zeros, which is the mean colour, to the image.

    Args:
        model: the network.
        images: normalised, (batch, channels, height, width).
        classes: (batch,).

    Returns:
        (batch, height, width), summed over channels; negative where a pixel speaks against the class.

    Raises:
        ImportError: if captum is not installed.
    """
    from captum.attr import IntegratedGradients

    with differentiating(model):
        method = IntegratedGradients(model)
        found: Tensor = method.attribute(
            images.clone(),
            target=classes.to(images.device).clone(),
            n_steps=STEPS,
            internal_batch_size=max(STEPS, len(images)),
        )
    return found.detach().sum(1)
