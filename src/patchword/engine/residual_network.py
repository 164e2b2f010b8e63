"""A ResNet with its batch norms folded into the convolutions."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from patchword.engine.convolutions import FoldedConvolution, KernelConvolution, folded
from patchword.engine.layers import empty
from patchword.engine.maps import Maps
from patchword.engine.plan import Plan, Planned
from patchword.engine.products import product
from patchword.models.residual_network import ResidualNetwork
from patchword.nn.convolution import ConvolutionNorm
from patchword.nn.residual_block import AverageProjection, PaddedShortcut, ResidualBlock, Stem

CACHED_VALUES = 2**20  # of a stem's maps that are computed at once
PIECES = 8  # of so many values: images whose small maps are computed at once
PLANS = 4  # that are kept, for images of other sizes and for other threads


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
        # The rarer variants have operations of torch between their convolutions.
        self.planned = self.stem.planned and all(block.planned for block in self.blocks)
        self.plans: deque[Plan] = deque(maxlen=PLANS)
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
        several = images.split(step * PIECES)
        means = [self._means(some.contiguous(), step) for some in several]
        return means[0] if len(means) == 1 else torch.cat(means)

    def _means(self, images: Tensor, step: int) -> Tensor:
        # Large maps a few images at a time, so that they stay in the cache; then small maps with large weights at once.
        if not self.planned or not images.numel():
            maps = [self._through(self.stem(piece, self._room(0)), 0, self.front) for piece in images.split(step)]
            pixels = maps[0].pixels if len(maps) == 1 else torch.cat([each.pixels for each in maps])
            return self._through(Maps(pixels, maps[0].room), self.front, len(self.blocks)).mean()
        plan = self._idle(images.shape) or self._plan(images.shape, step)
        means = plan(images)
        self.plans.append(plan)
        return means

    def _idle(self, shape: torch.Size) -> Plan | None:
        """A plan that no thread is running."""
        for _ in range(len(self.plans)):
            try:
                plan = self.plans.popleft()
            except IndexError:  # another thread took it
                return None
            if plan.shape == shape:
                return plan
            self.plans.append(plan)
        return None

    def _plan(self, shape: torch.Size, step: int) -> Plan:
        plan, batch = Plan(shape), shape[0]
        step = step if self.front else batch
        for start in range(0, batch, step):
            piece = range(start, min(start + step, batch))
            x = self.stem.plan(plan, piece, self._room(0))
            for place in range(self.front):
                into = (start, batch) if place == self.front - 1 else None
                x = self.blocks[place].plan(plan, x, self._room(place + 1), place, into)
        if self.front:
            whole = batch, *(getattr(x.maps, name) for name in ("height", "width", "channels"))
            x = plan.maps("front", whole, x.maps.room)
        for place in range(self.front, len(self.blocks)):
            x = self.blocks[place].plan(plan, x, self._room(place + 1), place, None)
        plan.complete(x)
        return plan

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

    @property
    def planned(self) -> bool:
        return isinstance(self.convolution, KernelConvolution) and isinstance(self.pool, nn.Identity | nn.MaxPool2d)

    def plan(self, plan: Plan, images: range, room: int) -> Planned:
        assert isinstance(self.convolution, KernelConvolution)
        channels, height, width = plan.shape[1:]
        x = plan.maps("inner", (len(images), height, width, channels), self.convolution.padding)
        plan.lay_out(images, x)
        pooled = isinstance(self.pool, nn.MaxPool2d)
        height, width = self.convolution.result(height, width)
        outputs = self.convolution.outputs
        y = plan.maps("odd" if pooled else "even", (len(images), height, width, outputs), 1 if pooled else room)
        plan.convolve(self.convolution, x, None, y)
        if not pooled:
            return y
        found = plan.maps("even", (len(images), -(-height // 2), -(-width // 2), outputs), room)
        plan.largest_of_nine(y, found)
        return found

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

    @property
    def planned(self) -> bool:
        plain = self.blur_after is None and self.prepare is None
        return plain and all(isinstance(layer, KernelConvolution) for layer in self.layers)

    def plan(self, plan: Plan, x: Planned, room: int, place: int, into: tuple[int, int] | None) -> Planned:
        """As `__call__`.

        Args:
            plan: is added to.
            x: in the slot of an even place's input, or an odd one's, or any other.
            room: see `__call__`.
            place: of the block.
            into: the first image's place among the images of all pieces, and their number; None to be read at once.
        """
        y, kept = x, x
        for layer, following, slot in zip(self.layers, self.layers[1:], ("inner", "second"), strict=False):
            y = self._planned(plan, layer, y, None, slot, following.padding)
        if self.projection is not None:
            kept = self._planned(plan, self.projection, x, None, "kept", 0)
        if into is not None:
            return self._planned(plan, self.layers[-1], y, kept, "front", room, *into)
        return self._planned(plan, self.layers[-1], y, kept, "even" if place % 2 else "odd", room)

    @staticmethod
    def _planned(
        plan: Plan, layer: FoldedConvolution, x: Planned, added: Planned | None, slot: str, room: int, *into: int
    ) -> Planned:
        assert isinstance(layer, KernelConvolution)
        size = layer.result(x.maps.height, x.maps.width)
        y = plan.maps(slot, (x.maps.batch, *size, layer.outputs), room, *into)
        plan.convolve(layer, x, added, y)
        return y

    def __call__(self, x: Maps, room: int) -> Maps:
        y = x
        for place, layer in enumerate(self.layers[:-1]):
            y = layer(y, room=self.layers[place + 1].padding)
            if place == self.blur_after:
                y = Maps.of(self.blur(y.images()))
        kept = x if self.prepare is None else Maps.of(self.prepare(x.images()))
        kept = kept if self.projection is None else self.projection(kept)
        return self.layers[-1](y, kept, room)
