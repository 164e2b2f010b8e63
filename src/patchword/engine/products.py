"""Matrix products with weights that are laid out once for the processor, in float32 or int8."""

import warnings
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from patchword.errors import RecipeError, nearest
from patchword.nn.feed_forward import ACTIVATIONS

Precision = Literal["float32", "int8"]
PRECISIONS: tuple[Precision, ...] = ("float32", "int8")

# An activation as oneDNN's product takes it: name, scalars, algorithm.
_FUSED: dict[str, tuple[str, list[float], str]] = {
    "none": ("none", [], ""),
    "relu": ("relu", [], ""),
    "gelu": ("gelu", [], "none"),
    "gelu_tanh": ("gelu", [], "tanh"),
    "silu": ("swish", [], ""),
}


OWN_KERNELS = 16  # numbers of rows that a packed product computes as they are; others are rounded up


class Product(nn.Module):
    """activation(x W^T + b), as `F.linear` and an activation, with W packed.

    Args:
        weight: (out, in), float32.
        bias: (out,), or None.
        activation: a name in `nn.feed_forward.ACTIVATIONS`, or "none".
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, activation: str = "none") -> None:
        super().__init__()
        self.out_features, self.in_features = weight.shape
        self.activation = activation


class PackedProduct(Product):
    """float32, in the blocked layout of oneDNN's matrix product.

    A row's result has the same bits whatever other rows are in the batch (but for a single row of 2,048 or more
    columns, which oneDNN sums in another order); so a sentence's translation does not depend on its batch.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, activation: str = "none") -> None:
        super().__init__(weight, bias, activation)
        self._bias = None if bias is None else bias.detach().contiguous()
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight.detach().contiguous(), None)
        self._multiply = torch.ops.mkldnn._linear_pointwise.default
        self._fused = _FUSED[activation]
        self._seen: set[int] = set()

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) to (..., out)."""
        rows = x.size(0)
        padded = self._rounded(rows)
        if padded != rows:
            x = F.pad(x, (0, 0) * (x.dim() - 1) + (0, padded - rows))
        result: Tensor = self._multiply(x, self._weight, self._bias, *self._fused)
        return result if padded == rows else result[:rows]

    def _rounded(self, rows: int) -> int:
        """oneDNN compiles and keeps a kernel for every number of rows, so only the first few get their own."""
        if rows in self._seen or len(self._seen) < OWN_KERNELS:
            self._seen.add(rows)
            return rows
        step = 8 if rows <= 64 else 32 if rows <= 512 else 256
        return -(-rows // step) * step


class PlainProduct(Product):
    """float32 where torch was built without oneDNN: the weight stays as it is."""

    def __init__(self, weight: Tensor, bias: Tensor | None, activation: str = "none") -> None:
        super().__init__(weight, bias, activation)
        self._weight, self._bias = weight.detach().contiguous(), None if bias is None else bias.detach()
        self._activate: Callable[[Tensor], Tensor] = ACTIVATIONS.get(activation, _identity)

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) to (..., out)."""
        return self._activate(F.linear(x, self._weight, self._bias))


class QuantisedProduct(Product):
    """int8 weights with a scale an output channel; activations are quantised to 8 bits at each call, row by row.

    The kernel has one scale for all rows, so rows are divided by their largest magnitude before it and multiplied
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
        if x.numel() == x.size(-1):
            return self._activate(self._multiply(x, self._weight, self._reduce_range).add_(self._bias))
        scale = x.abs().amax(-1, keepdim=True).clamp_(min=1e-30)
        y = self._multiply(x / scale, self._weight, self._reduce_range)
        return self._activate(torch.addcmul(self._bias, y, scale))


def product(weight: Tensor, bias: Tensor | None, precision: Precision, activation: str = "none") -> Product:
    """The fastest product of a precision on this machine; the arguments are those of `Product`."""
    if precision == "int8":
        return QuantisedProduct(weight, bias, activation)
    packed = torch.backends.mkldnn.is_available() and weight.dtype == torch.float32
    return (PackedProduct if packed else PlainProduct)(weight, bias, activation)


def parse_precision(name: str) -> Precision:
    """A precision by its name.

    Raises:
        RecipeError: if there is no such precision.
    """
    for precision in PRECISIONS:
        if name == precision:
            return precision
    raise RecipeError(f"unknown precision {name!r}; {nearest(name, PRECISIONS)}")


def row_scales(weight: Tensor) -> Tensor:
    """What a row's int8 values are multiplied by, (rows,): its largest magnitude becomes 127."""
    return (weight.abs().amax(1) / 127).clamp(min=torch.finfo(torch.float32).tiny)


def _quantised_rows(weight: Tensor) -> Tensor:
    zero_points = torch.zeros(weight.size(0), dtype=torch.long)
    with warnings.catch_warnings():
        # torch means to drop quantised tensors, and has nothing yet that multiplies as fast.
        warnings.simplefilter("ignore", UserWarning)
        return torch.quantize_per_channel(weight, row_scales(weight).double(), zero_points, 0, torch.qint8)


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
