"""Deletion and insertion: whether an answer hangs on what a map points at (Petsiuk et al. 2018, RISE, section 3.4).

An image is cut into cells, the same for every map and model. In the order of a map, the most relevant first, cells are
replaced by one colour (deletion), or put into the blurred image (insertion); meanwhile the class's probability is
watched. A map that points at what the network uses lets it fall early, and rise early. Insertion begins with a blurred
image, and not with a colour, because the first sharp cells on a plain ground have edges that the network has never
seen; deletion ends at the colour that preprocessing turns into zeros, because a blurred image may still give the class
away.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import Tensor
from torch.nn import functional as F

CELLS = 8  # a side; of an image of fewer pixels, as many as it has
STEPS = 8  # of a curve
_TOGETHER = 32  # images


class Areas(NamedTuple):
    """Areas under the curves of orders, each (orders,), 0 to 1.

    Attributes:
        deletion: the lower, the better the order.
        insertion: the higher, the better the order.
    """

    deletion: Tensor
    insertion: Tensor


def cells_of(image_size: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of the cells of an image of (height, width) pixels."""
    return min(CELLS, image_size[0]), min(CELLS, image_size[1])


def on_cells(maps: Tensor, cells: tuple[int, int]) -> Tensor:
    """Maps (batch, row, column) of any size as (batch, cells' rows, cells' columns).

    Finer maps are averaged within cells; of coarser ones what lies between is interpolated.
    """
    values = maps[:, None].float()
    if values.size(2) < cells[0] or values.size(3) < cells[1]:
        size = max(values.size(2), cells[0]), max(values.size(3), cells[1])
        values = F.interpolate(values, size, mode="bilinear", align_corners=False)
    return F.adaptive_avg_pool2d(values, cells)[:, 0]


def order_of(values: Tensor, generator: torch.Generator) -> Tensor:
    """Cells in the order of a map, the greatest first.

    Args:
        values: (rows, columns).
        generator: decides between equals, which many cells of a map without negative numbers are.

    Returns:
        (cells,) numbers of cells, row by row.
    """
    shuffled = torch.randperm(values.numel(), generator=generator)
    return shuffled[values.flatten().cpu()[shuffled].argsort(descending=True, stable=True)]


def blurred(pixels: Tensor) -> Tensor:
    """An image (3, height, width), uint8, of which only the coarsest is left: a Gaussian of an eighth of its side."""
    image = Image.fromarray(pixels.permute(1, 2, 0).numpy())
    soft = image.filter(ImageFilter.GaussianBlur(max(1.0, min(image.size) / 8)))
    return torch.from_numpy(np.array(soft)).permute(2, 0, 1).contiguous()


def areas(
    probabilities: Callable[[Tensor], Tensor],
    pixels: Tensor,
    chosen: int,
    orders: Tensor,
    plain: Tensor,
    cells: tuple[int, int],
) -> Areas:
    """Areas under the curves of one image.

    Args:
        probabilities: from uint8 images (batch, 3, height, width) to probabilities of classes, (batch, classes).
        pixels: the image, (3, height, width), uint8.
        chosen: the class whose probability is watched.
        orders: (orders, cells), see `order_of`.
        plain: the colour, (3,), uint8.
        cells: rows and columns.

    Returns:
        both, by the trapezoid rule over the share of cells.
    """
    ranks = orders.argsort(1)  # when each cell has its turn
    total = orders.size(1)
    counts = torch.linspace(0, total, STEPS + 1).round().long()
    turned = ranks[:, None] < counts[1:-1, None]  # (orders, steps between the ends, cells)
    masks = _enlarged(turned.flatten(0, 1), cells, pixels.shape[1:])
    soft, colour = blurred(pixels), plain[:, None, None].expand_as(pixels)
    whole, emptied, begun = _watched(probabilities, torch.stack([pixels, colour, soft]), chosen)
    found = []
    for turned_to, before, first, last in ((colour, pixels, whole, emptied), (pixels, soft, begun, whole)):
        between = [
            _watched(probabilities, torch.where(some[:, None], turned_to, before), chosen)
            for some in masks.split(_TOGETHER)
        ]
        ends = first.expand(len(orders), 1), last.expand(len(orders), 1)
        curves = torch.cat([ends[0], torch.cat(between).view(len(orders), -1), ends[1]], 1)
        found.append(torch.trapezoid(curves, counts / total))
    return Areas(*found)


def _enlarged(turned: Tensor, cells: tuple[int, int], size: torch.Size) -> Tensor:
    """Whether a pixel's cell has had its turn, (many, height, width)."""
    y, x = (torch.arange(side) * number // side for side, number in zip(size, cells, strict=True))
    return turned[:, y[:, None] * cells[1] + x]


def _watched(probabilities: Callable[[Tensor], Tensor], images: Tensor, chosen: int) -> Tensor:
    return probabilities(images)[:, chosen].cpu().float()
