"""The Vision Transformer by the kernels, on numpy's arrays: nothing of it needs torch."""

from typing import Any

import numpy
from numpy import float32
from numpy.typing import NDArray

from patchword.engine import threads
from patchword.engine.native_layers import NativeEncoder, Weights
from patchword.engine.packed_weight import PackedNormWeight, PackedWeight
from patchword.engine.precision import Precision

# Rows that pass all layers before the next ones: what is between two layers stays in the cache.
CACHED_ROWS = 256

WORTH_A_THREAD = 200_000_000  # products, a millisecond or two

Floats = NDArray[float32]


class NativeVisionTransformer:
    """`models.VisionTransformer` for classification on the processor; its activation is none that gates.

    Args:
        config: a `VisionTransformerConfig`.
        weights: its arrays, which are given up as they are packed.
        precision: of the encoder's and the patch embedding's products. A head is read once an image, so other
            precisions than float32 would cost accuracy there and save nothing.
    """

    def __init__(self, config: Any, weights: Weights, precision: Precision) -> None:
        self.config: Any = config
        self.precision = precision
        self._patches = PackedWeight(*_linear(weights, "patch_embedding.projection"), precision)
        weights.give_up("patch_embedding")
        # Before the patches, and what is added to both; registers come between and have no position.
        names = ("class_token",) * config.class_token + ("distillation_token",) * config.distillation_token
        self._tokens = numpy.array([weights[name] for name in names], float32).reshape(-1, config.d_model)
        learned = config.positions == "learned"
        self._positions = weights["position_embedding.embedding"].copy() if learned else None
        self._registers = weights["register_tokens"].copy() if config.register_tokens else None
        last_norm = config.norm_first and not config.norm_after_pool
        self._encoder = NativeEncoder(weights, config.num_layers, config, precision, last_norm)
        eps = config.layer_norm_eps
        pooled = _linear(weights, "pooled_norm") if config.norm_after_pool else None
        self._pooled_norm = None if pooled is None else PackedNormWeight(*pooled, eps)
        self._head = _Head(weights, "head", config.num_classes, config.head_hidden)
        self._distillation = _Head(weights, "distillation_head", 1, None) if config.distillation_head else None

    def features(self, images: Floats) -> Floats:
        """Normalised pixels (batch, channels, height, width) to the representation, (batch, feature_size)."""
        return self._pooled(self._encoded(images))

    def __call__(self, images: Floats) -> Floats:
        """(batch, channels, height, width) in, logits (batch, num_classes) out."""
        x = self._encoded(images)
        logits = self._head(self._pooled(x))
        if self._distillation is not None:
            logits = (logits + self._distillation(numpy.ascontiguousarray(x[:, 1]))) / float32(2)
        return logits

    def _encoded(self, images: Floats) -> Floats:
        """z_L after the last norm (equations 1 to 3), (batch, tokens, d_model), a few images at a time."""
        config = self.config
        expected = (config.channels, *config.image_size)
        if images.dtype != float32 or images.shape[1:] != expected:
            raise ValueError(f"images of {images.dtype} {images.shape[1:]}; expected float32 {expected}")
        tokens = config.prefix + config.register_tokens + config.grid[0] * config.grid[1]
        step = max(1, CACHED_ROWS // tokens)
        parts = [images[start : start + step] for start in range(0, max(1, len(images)), step)]
        # Whole rounds of a part a thread, if each is worth one; then all threads on what is left.
        products = step * tokens * config.num_layers * config.d_model * (4 * config.d_model + 2 * config.d_ff)
        alone = len(parts) - len(parts) % threads.count() if products > WORTH_A_THREAD else 0
        found = [*threads.each(self._encoded_together, parts[:alone]), *map(self._encoded_together, parts[alone:])]
        return found[0] if len(found) == 1 else numpy.concatenate(found)

    def _encoded_together(self, images: Floats) -> Floats:
        config, batch = self.config, len(images)
        (rows, columns), size = config.grid, config.patch_size
        grid = images.reshape(batch, config.channels, rows, size, columns, size).transpose(0, 2, 4, 1, 3, 5)
        patches = self._patches.product(
            numpy.ascontiguousarray(grid).reshape(batch * rows * columns, config.channels * size**2)
        )
        patches = patches.reshape(batch, rows * columns, config.d_model)
        before = numpy.broadcast_to(self._tokens, (batch, *self._tokens.shape))
        if self._positions is not None:
            before, patches = before + self._positions[: config.prefix], patches + self._positions[config.prefix :]
        parts = [before, patches]
        if self._registers is not None:
            parts.insert(1, numpy.broadcast_to(self._registers, (batch, *self._registers.shape)))
        x = numpy.concatenate(parts, 1)
        found = self._encoder.run(x.reshape(-1, config.d_model), [(0, batch, x.shape[1])])
        return found.reshape(x.shape)

    def _pooled(self, x: Floats) -> Floats:
        patches = x[:, self.config.prefix + self.config.register_tokens :]
        if self.config.pool == "class_token":
            pooled = numpy.ascontiguousarray(x[:, 0])
        elif self.config.pool == "mean":
            pooled = patches.mean(1)
        else:
            pooled = numpy.concatenate([x[:, 0], patches.mean(1)], 1)
        return pooled if self._pooled_norm is None else self._pooled_norm.norm(pooled)


class _Head:
    """`nn.heads.ClassificationHead`."""

    def __init__(self, weights: Weights, name: str, num_classes: int, hidden: int | None) -> None:
        self._hidden = PackedWeight(*_linear(weights, f"{name}.hidden.0"), "float32") if hidden else None
        self._linear = PackedWeight(*_linear(weights, f"{name}.linear"), "float32") if num_classes else None
        weights.give_up(name)

    def __call__(self, x: Floats) -> Floats:
        if self._hidden is not None:
            x = numpy.tanh(self._hidden.product(x))
        return x if self._linear is None else self._linear.product(x)


def _linear(weights: Weights, name: str) -> tuple[Floats, Floats]:
    return weights[f"{name}.weight"], weights[f"{name}.bias"]
