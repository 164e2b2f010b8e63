"""A ViT with packed weights."""

import copy
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from patchword.engine import native
from patchword.engine.encoder import PackedEncoder
from patchword.engine.module_weights import ModuleWeights
from patchword.engine.native_vision_transformer import NativeVisionTransformer
from patchword.engine.precision import Precision
from patchword.engine.products import Product, product
from patchword.models.vision_transformer import VisionTransformer

M = TypeVar("M", bound=nn.Module)


class PackedVisionTransformer:
    """`models.VisionTransformer` by the kernels, as torch's networks are called.

    Args:
        model: in evaluation mode, on the CPU.
        precision: of the products.
        consume: empty the model's matrices as they are packed.
    """

    def __init__(self, model: VisionTransformer, precision: Precision, consume: bool = False) -> None:
        self.config = model.config
        self.native = NativeVisionTransformer(model.config, ModuleWeights(model, consume), precision)

    def features(self, images: Tensor) -> Tensor:
        """See `VisionTransformer.features`."""
        return torch.from_numpy(self.native.features(images.detach().contiguous().numpy()))

    def __call__(self, images: Tensor) -> Tensor:
        """See `VisionTransformer.forward`."""
        return torch.from_numpy(self.native(images.detach().contiguous().numpy()))


def packed_vision_transformer(model: VisionTransformer, precision: Precision, consume: bool = False) -> Any:
    """The ViT by the kernels, or where they do not know it with packed weights; see `PackedVisionTransformer`."""
    if native.best() is None or model.config.activation == "swiglu":
        return _plain(model, precision, consume)
    return PackedVisionTransformer(model, precision, consume)


def _plain(model: VisionTransformer, precision: Precision, consume: bool = False) -> VisionTransformer:
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
