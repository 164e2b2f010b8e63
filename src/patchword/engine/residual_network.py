"""A ResNet with its batch norms folded into the convolutions."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from patchword.engine.convolutions import folded
from patchword.engine.layers import empty
from patchword.engine.maps import Maps
from patchword.engine.products import product
from patchword.models.residual_network import ResidualNetwork
from patchword.nn.convolution import ConvolutionNorm
from patchword.nn.residual_block import AverageProjection, PaddedShortcut, ResidualBlock, Stem

CACHED_VALUES = 2**20  # of a stem's maps that are computed at once


class PackedResidualNetwork(nn.Module):
    """The same network for inference, in float32.

    Args:
        model: in evaluation mode.
        consume: empty the model's layers as they are packed.
    """

    def __init__(self, model: ResidualNetwork, consume: bool = False) -> None:
        super().__init__()
        self.config = model.config
        self.stem = _PackedStem(model.stem)
        if consume:
            empty(model.stem)
        self.blocks: list[_PackedBlock] = []
        for stage in model.stages:
            for block in cast(Sequence[ResidualBlock], stage):
                self.blocks.append(_PackedBlock(block))
                if consume:
                    empty(block)
        depths = self.config.depths
        self.front = sum(depths[: len(depths) // 2])
        linear = model.head.linear
        self.head: Callable[[Tensor], Tensor] = linear
        if isinstance(linear, nn.Linear):
            self.head = product(linear.weight, linear.bias, "float32")
            if consume:
                empty(linear)

    def features(self, images: Tensor) -> Tensor:
        """See `ImageModel.features`."""
        stem = self.stem.convolution
        values = images[:1].numel() // images.size(1) // stem.stride**2 * stem.outputs
        step = max(1, CACHED_VALUES // max(1, values))
        # Large maps a few images at a time, so that they stay in the cache; then small maps with large weights at once.
        maps = [self._through(self.stem(piece, self._room(0)), 0, self.front) for piece in images.split(step)]
        pixels = maps[0].pixels if len(maps) == 1 else torch.cat([each.pixels for each in maps])
        x = self._through(Maps(pixels, maps[0].room), self.front, len(self.blocks))
        return x.mean()

    def _through(self, x: Maps, start: int, end: int) -> Maps:
        for place in range(start, end):
            x = self.blocks[place](x, self._room(place + 1))
        return x

    def _room(self, place: int) -> int:
        """That a block needs around what it reads."""
        return self.blocks[place].layers[0].padding if place < len(self.blocks) else 0

    def forward(self, images: Tensor) -> Tensor:
        """See `ImageModel.forward`."""
        return self.head(self.features(images))


class _PackedStem:
    def __init__(self, stem: Stem) -> None:
        self.convolution = folded(stem.layer, relu=True)
        self.pool = stem.pool

    def __call__(self, images: Tensor, room: int) -> Maps:
        maps = Maps.of(images, self.convolution.padding)
        if isinstance(self.pool, nn.Identity):
            return self.convolution(maps, room=room)
        if isinstance(self.pool, nn.MaxPool2d):
            return self.convolution(maps, room=1).largest_of_nine(room)
        return Maps.of(self.pool(self.convolution(maps).images()))


class _PackedBlock:
    def __init__(self, block: ResidualBlock) -> None:
        layers = cast(Sequence[ConvolutionNorm], block.layers)
        self.layers = [folded(layer, relu=True) for layer in layers]
        self.blur_after, self.blur = block.blur_after, block.blur
        shortcut: Any = block.shortcut
        self.prepare: Callable[[Tensor], Tensor] | None = None
        if isinstance(shortcut, AverageProjection):
            self.prepare, shortcut = shortcut.averaged, shortcut.projection
        elif isinstance(shortcut, PaddedShortcut):
            self.prepare = shortcut
        self.projection = folded(shortcut, relu=False) if isinstance(shortcut, ConvolutionNorm) else None

    def __call__(self, x: Maps, room: int) -> Maps:
        y = x
        for place, layer in enumerate(self.layers[:-1]):
            y = layer(y, room=self.layers[place + 1].padding)
            if place == self.blur_after:
                y = Maps.of(self.blur(y.images()))
        kept = x if self.prepare is None else Maps.of(self.prepare(x.images()))
        kept = kept if self.projection is None else self.projection(kept)
        return self.layers[-1](y, kept, room)
