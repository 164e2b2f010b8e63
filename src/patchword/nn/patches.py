"""Image patches and their linear embedding (Dosovitskiy et al. 2021, section 3.1)."""

from typing import cast

import torch
from torch import Tensor, nn

from patchword.nn.trace import AttentionTrace


def patchify(images: Tensor, patch_size: int) -> Tensor:
    """Cut images into patches and flatten each.

    Args:
        images: (batch, channels, height, width).
        patch_size: side of a square patch in pixels; divides height and width.

    Returns:
        (batch, patches, channels * patch_size * patch_size), row by row; within a patch the order is
        channel, row, column, as in the weight of a convolution.

    Raises:
        ValueError: if patch_size does not divide the height and the width.
    """
    batch, channels, height, width = images.shape
    if height % patch_size or width % patch_size:
        raise ValueError(f"an image of {height} x {width} pixels does not divide into patches of {patch_size}")
    rows, columns = height // patch_size, width // patch_size
    grid = images.view(batch, channels, rows, patch_size, columns, patch_size)
    return grid.permute(0, 2, 4, 1, 3, 5).reshape(batch, rows * columns, channels * patch_size * patch_size)


class PatchEmbedding(nn.Module):
    """x_p E + b (equation 1): every patch, flattened, times one matrix.

    It equals a convolution whose stride is its kernel; published checkpoints store that convolution's weight.

    Args:
        patch_size: side of a patch in pixels.
        channels: of the image.
        d_model: width of the embedding.
    """

    def __init__(self, patch_size: int, channels: int, d_model: int) -> None:
        super().__init__()
        self.patch_size = patch_size
        self.projection = nn.Linear(channels * patch_size * patch_size, d_model)

    def forward(self, images: Tensor, trace: AttentionTrace | None = None) -> Tensor:
        """(batch, channels, height, width) in, (batch, patches, d_model) out; the trace is told the patches too."""
        size = self.patch_size
        patches = patchify(images, size)
        embedded = cast(Tensor, self.projection(patches))
        if trace is not None:
            rows, columns = images.size(2) // size, images.size(3) // size
            pixels = patches.unflatten(2, (images.size(1), size, size)).unflatten(1, (rows, columns))
            trace.note("patches", ("batch", "patch_row", "patch_column", "colour", "row", "column"), pixels)
            trace.note("patch_embedding", ("batch", "patch", "channel"), embedded)
        return embedded

    @torch.no_grad()
    def components(self, most: int = 28) -> Tensor:
        """The first principal components of the filters, (filter, row, column, channel) (figure 7, left).

        Each has the length 1, and its largest entry is positive, since a component has no sign of its own.
        """
        weight = self.projection.weight.float()
        found = torch.linalg.svd(weight - weight.mean(0), full_matrices=False).Vh[:most]
        found = found * found.gather(1, found.abs().argmax(1, keepdim=True)).sign()
        return found.unflatten(1, (-1, self.patch_size, self.patch_size)).permute(0, 2, 3, 1)
