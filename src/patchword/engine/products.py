"""Matrix products with weights that are laid out once for the processor, in float32, bfloat16 or int8."""

import warnings
from collections.abc import Callable

import torch
from numpy import float32
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from patchword.engine import native, threads
from patchword.engine.packed_weight import PackedWeight
from patchword.engine.precision import Precision
from patchword.engine.tensors import address
from patchword.nn.feed_forward import ACTIVATIONS


class Product(nn.Module):
    """activation(x W^T + b), as `F.linear` and an activation, with W packed.

    Args:
        weight: (out, in), float32.
        bias: (out,), or None.
        activation: a name in `nn.feed_forward.ACTIVATIONS`, or "none".

    Raises:
        ValueError: if the bias has another size.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, activation: str = "none") -> None:
        super().__init__()
        self.out_features, self.in_features = weight.shape
        if bias is not None and bias.shape != (self.out_features,):
            raise ValueError(f"a bias of {tuple(bias.shape)} for {self.out_features} features")
        self.activation = activation


class PackedProduct(Product):
    """By the kernels; see `PackedWeight`.

    Args:
        precision: of the weights.

    Attributes:
        arguments: of the kernels; they live as long as the product.
    """

    def __init__(
        self, weight: Tensor, bias: Tensor | None, activation: str = "none", precision: Precision = "float32"
    ) -> None:
        super().__init__(weight, bias, activation)
        self.packed = PackedWeight(_array(weight), None if bias is None else _array(bias), precision, activation)
        self.arguments = self.packed.arguments
        self.precision = precision
        kernels = native.best()
        assert kernels is not None
        self._multiply = kernels.product

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) to (..., out)."""
        if x.size(-1) != self.in_features:
            raise ValueError(f"{x.size(-1)} features for a product of {self.in_features}")
        x = x.contiguous()
        rows = x.numel() // self.in_features
        y = torch.empty(*x.shape[:-1], self.out_features, dtype=torch.float32)
        self._multiply(self.packed.address, address(x), y.data_ptr(), rows, threads.count())
        return y


class PlainProduct(Product):
    """Where there are no kernels: float32, with the weight as it is, or as bfloat16 rounds it."""

    def __init__(
        self, weight: Tensor, bias: Tensor | None, activation: str = "none", precision: Precision = "float32"
    ) -> None:
        super().__init__(weight, bias, activation)
        rounded = weight.bfloat16().float() if precision == "bfloat16" else weight
        self._weight, self._bias = rounded.detach().contiguous(), None if bias is None else bias.detach()
        self._activate: Callable[[Tensor], Tensor] = ACTIVATIONS.get(activation, _identity)

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) to (..., out)."""
        return self._activate(F.linear(x, self._weight, self._bias))


class PlainQuantisedProduct(Product):
    """int8 where there are no kernels, by torch's own product.

    It has one scale for all rows, so rows are divided by their largest magnitude before it and multiplied
    after it; a batch's largest row then costs the others no accuracy. Without VNNI instructions two neighbouring
    products are added in 16 bits, which 8-bit activations can overflow: there activations get 7 bits.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, activation: str = "none") -> None:
        super().__init__(weight, bias, activation)
        self._bias = weight.new_zeros(weight.size(0)) if bias is None else bias.detach().clone()
        self._weight = torch.ops.quantized.linear_prepack(_quantised_rows(weight.detach().contiguous()), None)
        self._reduce_range = not torch.cpu._is_vnni_supported()
        self._multiply = torch.ops.quantized.linear_dynamic.default
        self._activate = _IN_PLACE.get(activation, _identity)

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) to (..., out)."""
        if x.numel() == x.size(-1) and x.isfinite().all():
            return self._activate(self._multiply(x, self._weight, self._reduce_range).add_(self._bias))
        scale = x.abs().amax(-1, keepdim=True).clamp_(min=1e-30)
        # torch refuses what is no number; its row's scale is none either, so that its results are not.
        y = self._multiply((x / scale).nan_to_num_(), self._weight, self._reduce_range)
        return self._activate(torch.addcmul(self._bias, y, scale))


def product(weight: Tensor, bias: Tensor | None, precision: Precision, activation: str = "none") -> Product:
    """The fastest product of a precision on this machine; the arguments are those of `Product`."""
    if native.best() is not None:
        return PackedProduct(weight, bias, activation, precision)
    if precision == "int8":
        return PlainQuantisedProduct(weight, bias, activation)
    return PlainProduct(weight, bias, activation, precision)


def row_scales(weight: Tensor) -> Tensor:
    """What a row's int8 values are multiplied by, (rows,): its largest magnitude becomes 127."""
    return (weight.abs().amax(1) / 127).clamp(min=torch.finfo(torch.float32).tiny)


def _quantised_rows(weight: Tensor) -> Tensor:
    zero_points = torch.zeros(weight.size(0), dtype=torch.long)
    with warnings.catch_warnings():
        # torch means to drop quantised tensors, and has nothing yet that multiplies as fast.
        warnings.simplefilter("ignore", UserWarning)
        return torch.quantize_per_channel(weight, row_scales(weight).double(), zero_points, 0, torch.qint8)


def _array(tensor: Tensor) -> NDArray[float32]:
    tensor = tensor.detach().contiguous()
    address(tensor)  # float32 on the CPU
    found: NDArray[float32] = tensor.numpy()
    return found


def _identity(x: Tensor) -> Tensor:
    return x


def _silu(x: Tensor) -> Tensor:
    return F.silu(x, inplace=True)


_IN_PLACE: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu_,
    "gelu": ACTIVATIONS["gelu"],
    "gelu_tanh": ACTIVATIONS["gelu_tanh"],
    "silu": _silu,
}
