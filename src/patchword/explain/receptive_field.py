"""How far a layer sees: the effective receptive field (Luo et al. 2016, section 2)."""

import torch
from torch import Tensor

from patchword.models.contracts import ImageModel
from patchword.models.evidence import differentiating


def field_distance(model: ImageModel, images: Tensor) -> Tensor:
    """Mean distance between a place of each layer's maps and the pixels that it hangs on, weighted by the gradient.

    The place is the one in the middle. Its channels are summed with random signs: a layer norm holds their plain sum
    constant.

    Args:
        model: any classifier; left as it is.
        images: normalised, (batch, channels, height, width).

    Returns:
        (layer,), in pixels; 0 for a layer that hangs on one pixel alone.
    """
    found = []
    with differentiating(model):
        pixels = images.clone().requires_grad_()
        for maps in model.feature_maps(pixels):
            rows, columns = maps.shape[2:]
            generator = torch.Generator().manual_seed(maps.size(1))
            signs = (2 * torch.randint(2, (maps.size(1),), generator=generator) - 1).to(maps)
            unit = (maps[:, :, rows // 2, columns // 2] * signs).sum()
            (gradient,) = torch.autograd.grad(unit, pixels, retain_graph=True)
            weights = gradient.abs().mean((0, 1))
            found.append((weights * _distances(images, rows, columns)).sum() / weights.sum().clamp(min=1e-30))
    return torch.stack(found).detach()


def _distances(images: Tensor, rows: int, columns: int) -> Tensor:
    """From the centre of the middle place of rows x columns to every pixel's centre, (height, width)."""
    height, width = images.shape[2:]
    y = torch.arange(height) + 0.5 - (rows // 2 + 0.5) * height / rows
    x = torch.arange(width) + 0.5 - (columns // 2 + 0.5) * width / columns
    return torch.hypot(y[:, None], x[None, :]).to(images)
