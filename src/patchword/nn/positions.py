"""What tells a Transformer the order of its inputs."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from patchword.nn.trace import AttentionTrace

SINUSOID_LAYOUTS = ("interleaved", "halves")

_VECTORS = ("batch", "position", "channel")


def sinusoidal_table(length: int, d_model: int, layout: str = "interleaved") -> Tensor:
    """PE(pos, 2i) = sin(pos / 10000^(2i / d_model)), PE(pos, 2i + 1) = cos(same) (Vaswani et al. 2017, section 3.5).

    Args:
        length: number of positions, counted from 0.
        d_model: width, even.
        layout: "interleaved" as in the paper, or "halves", all sines before all cosines (Marian, tensor2tensor).

    Returns:
        (length, d_model), float32, computed in float64.
    """
    position = torch.arange(length, dtype=torch.float64)[:, None]
    angle = position * torch.exp(torch.arange(0, d_model, 2, dtype=torch.float64) * (-math.log(10000.0) / d_model))
    if layout == "halves":
        return torch.cat([angle.sin(), angle.cos()], dim=1).float()
    return torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1).float()


class SinusoidalPositions(nn.Module):
    """Adds the sinusoidal table; it has no parameters, is made at first use and grows to any length.

    Args:
        d_model: width, even.
        layout: see `sinusoidal_table`.

    Raises:
        ValueError: if d_model is odd.
    """

    table: Tensor

    def __init__(self, d_model: int, layout: str = "interleaved") -> None:
        super().__init__()
        if d_model % 2:
            raise ValueError(f"sinusoidal positions need an even d_model, not {d_model}")
        self.d_model = d_model
        self.layout = layout
        # Real and empty also when the network is built on the meta device: no file has it, so nothing would fill it.
        self.register_buffer("table", torch.empty(0, d_model, device="cpu"), persistent=False)

    def forward(self, x: Tensor, offset: int = 0, trace: AttentionTrace | None = None) -> Tensor:
        """Add positions offset, offset + 1, ... to x, (batch, length, d_model); the trace is told the table."""
        end = offset + x.size(1)
        table = self.table  # another thread may put a shorter one in its place
        if end > table.size(0):
            with torch.inference_mode(False):  # the first use may be a translation, and a later one training
                self.table = table = sinusoidal_table(max(512, 2 * end), self.d_model, self.layout).to(x)
        added = x + table[offset:end]
        if trace is not None:
            trace.note(
                "sinusoids" if self.layout == "interleaved" else "sinusoids_in_halves", _VECTORS[1:], table[offset:end]
            )
            trace.note("positions_added", _VECTORS, added)
        return added


class LearnedPositions(nn.Module):
    """Adds a learned vector for each position, 1-D.

    Args:
        max_positions: the longest sequence that there are vectors for.
        d_model: width.
    """

    def __init__(self, max_positions: int, d_model: int) -> None:
        super().__init__()
        self.embedding = nn.Parameter(torch.empty(max_positions, d_model))
        nn.init.trunc_normal_(self.embedding, std=0.02)

    def forward(self, x: Tensor, offset: int = 0, trace: AttentionTrace | None = None) -> Tensor:
        """Add positions offset, offset + 1, ... to x, (batch, length, d_model).

        Raises:
            ValueError: if x reaches past `max_positions`.
        """
        end = offset + x.size(1)
        if end > self.embedding.size(0):
            raise ValueError(f"{end} positions asked for, but only {self.embedding.size(0)} were learned")
        added = x + self.embedding[offset:end]
        if trace is not None:
            trace.note("learned_positions", _VECTORS[1:], self.embedding[offset:end])
            trace.note("positions_added", _VECTORS, added)
        return added


class NoPositions(nn.Module):
    """Adds nothing: for ablations."""

    def forward(self, x: Tensor, offset: int = 0, trace: AttentionTrace | None = None) -> Tensor:
        """(batch, length, d_model) in, the same out; there is no step to be told."""
        return x


def text_positions(kind: str, d_model: int, max_positions: int) -> nn.Module:
    """Positions for a token sequence, by name.

    Args:
        kind: "sinusoidal", "sinusoidal_halves", "learned" or "none".
        d_model: width.
        max_positions: for "learned" only.
    """
    if kind == "learned":
        return LearnedPositions(max_positions, d_model)
    if kind == "none":
        return NoPositions()
    return SinusoidalPositions(d_model, "halves" if kind == "sinusoidal_halves" else "interleaved")


# How each family of checkpoints brings its position embedding to another grid; arguments of `F.interpolate`.
POSITION_RESIZES: dict[str, dict[str, Any]] = {
    "bicubic_antialias": {"mode": "bicubic", "antialias": True},  # timm, DINOv2 with registers
    "bicubic": {"mode": "bicubic"},  # Hugging Face's ViT, DeiT and DINOv2
    "bicubic_corners": {"mode": "bicubic", "align_corners": True},  # torchvision
    "bilinear_corners": {"mode": "bilinear", "align_corners": True},  # Google's JAX code
}


class GridPositions(nn.Module):
    """ViT's learned position embedding, a vector for each patch of a grid (Dosovitskiy et al. 2021, section 3.1).

    Args:
        grid: rows and columns of patches.
        d_model: width.
        prefix: positions before the patches: of the class token, and of DeiT's distillation token.
        resize: a name in `POSITION_RESIZES`, for `resized`.
    """

    def __init__(self, grid: tuple[int, int], d_model: int, prefix: int = 1, resize: str = "bicubic_antialias") -> None:
        super().__init__()
        self.grid = grid
        self.prefix = prefix
        self.resize = resize
        self.embedding = nn.Parameter(torch.empty(prefix + grid[0] * grid[1], d_model))
        nn.init.trunc_normal_(self.embedding, std=0.02)

    def forward(self, x: Tensor, trace: AttentionTrace | None = None) -> Tensor:
        """Add the positions to x, (batch, prefix + rows * columns, d_model)."""
        added = x + self.embedding
        if trace is not None:
            trace.note("position_embedding", _VECTORS[1:], self.embedding)
            trace.note("embedded_patches", _VECTORS, added)
        return added

    def resized(self, grid: tuple[int, int]) -> Tensor:
        """The embedding for another grid, by interpolation of the 2-D layout (section 3.2), as its family does it.

        Args:
            grid: rows and columns wanted; need not be square.

        Returns:
            (prefix + rows * columns, d_model); the prefix is untouched.
        """
        return resized_positions(self.embedding, self.grid, grid, self.prefix, self.resize)


def resized_positions(
    embedding: Tensor, grid: tuple[int, int], new_grid: tuple[int, int], prefix: int, resize: str
) -> Tensor:
    """A position embedding for another grid of patches.

    Args:
        embedding: (prefix + rows * columns, d_model).
        grid: its rows and columns.
        new_grid: rows and columns wanted; need not be square.
        prefix: vectors that belong to no patch; they stay as they are.
        resize: a name in `POSITION_RESIZES`.

    Returns:
        (prefix + new rows * new columns, d_model).
    """
    if new_grid == grid:
        return embedding
    image = embedding[prefix:].float().view(1, *grid, -1).permute(0, 3, 1, 2)
    image = F.interpolate(image, size=new_grid, **POSITION_RESIZES[resize])
    return torch.cat([embedding[:prefix], image.permute(0, 2, 3, 1).flatten(0, 2).to(embedding.dtype)])
