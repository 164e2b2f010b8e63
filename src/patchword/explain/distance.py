"""How far attention reaches (Dosovitskiy et al. 2021, figure 7, right)."""

import torch
from torch import Tensor

from patchword.models.evidence import EvidenceMap


def attention_distance(attention: EvidenceMap, image_size: tuple[int, int]) -> Tensor:
    """Mean distance between a patch and those that it attends to, weighted by the attention.

    Other tokens have no place: what goes to them is left out, and the rest of a row counts as a whole.

    Args:
        attention: (layer, batch, head, token, token), whose last tokens are the patches of its grid.
        image_size: height and width in pixels of what the model sees.

    Returns:
        (layer, batch, head), in pixels.
    """
    assert attention.grid is not None
    rows, columns = attention.grid
    patches = attention.values[..., -rows * columns :, -rows * columns :]
    apart = _apart(rows, columns, image_size[0] / rows, image_size[1] / columns).to(patches)
    whole = patches.sum(-1).clamp(min=1e-12)
    return (torch.einsum("lbhqk,qk->lbhq", patches, apart) / whole).mean(-1)


def _apart(rows: int, columns: int, height: float, width: float) -> Tensor:
    """Distances between the centres of patches of height x width pixels, (patches, patches)."""
    y, x = torch.meshgrid(torch.arange(rows) * height, torch.arange(columns) * width, indexing="ij")
    places = torch.stack([y.flatten(), x.flatten()], 1)
    return torch.cdist(places, places)
