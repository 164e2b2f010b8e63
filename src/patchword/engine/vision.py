"""A ViT with packed weights."""

import copy
from typing import TypeVar

from torch import Tensor, nn

from patchword.engine.encoder import PackedEncoder
from patchword.engine.precision import Precision
from patchword.engine.products import Product, product
from patchword.models.vision_transformer import VisionTransformer

M = TypeVar("M", bound=nn.Module)


def packed_vision_transformer(
    model: VisionTransformer, precision: Precision, consume: bool = False
) -> VisionTransformer:
    """The same network with packed encoder, patch embedding and heads; tokens and pooling are the model's own code.

    Args:
        model: in evaluation mode.
        precision: of the products.
        consume: empty the model's layers as they are packed.

    Returns:
        a network that shares the model's small tensors and keeps none of its matrices; it records no trace.
    """
    packed = _copied(model)
    packed.encoder = PackedEncoder(model.encoder, precision, consume)  # type: ignore[assignment]
    packed.patch_embedding = _copied(model.patch_embedding)
    packed.patch_embedding.projection = _packed(model.patch_embedding.projection, precision)
    for name in ("head", "distillation_head"):
        head = getattr(model, name, None)
        if head is not None:
            # A head is read once an image, so other precisions would cost accuracy and save nothing.
            setattr(packed, name, _with_packed_linears(head, "float32"))
    return packed


def _copied(module: M) -> M:
    """The module with its own table of submodules, so that one can be exchanged."""
    new = copy.copy(module)
    new._modules = dict(module._modules)
    new._parameters = dict(module._parameters)
    return new


def _with_packed_linears(module: nn.Module, precision: Precision) -> nn.Module:
    new = _copied(module)
    for name, child in module._modules.items():
        if isinstance(child, nn.Linear):
            new._modules[name] = _packed(child, precision)
        elif child is not None:
            new._modules[name] = _with_packed_linears(child, precision)
    return new


class _PackedLinear(nn.Module):
    def __init__(self, packed: Product) -> None:
        super().__init__()
        self.product = packed

    def forward(self, x: Tensor) -> Tensor:
        return self.product(x.reshape(-1, x.size(-1))).view(*x.shape[:-1], self.product.out_features)


def _packed(linear: nn.Linear, precision: Precision) -> nn.Linear:
    return _PackedLinear(product(linear.weight, linear.bias, precision))  # type: ignore[return-value]
