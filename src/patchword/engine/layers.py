"""What packed encoder and decoder layers are made of."""

import ctypes
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from patchword.engine import native, threads
from patchword.engine.precision import Precision
from patchword.engine.products import Product, product
from patchword.engine.tensors import address
from patchword.memory import give_back
from patchword.nn.attention import MultiHeadAttention
from patchword.nn.feed_forward import ACTIVATIONS, FeedForward
from patchword.nn.residual import LayerScale, ResidualNorm


class PackedAttentionWeights(NamedTuple):
    """An attention's products; the query is already divided by sqrt(head size)."""

    query_key_value: Product
    output: Product


class PackedNorm(nn.Module):
    """Layer norm.

    Args:
        norm: the original.
    """

    def __init__(self, norm: nn.LayerNorm) -> None:
        super().__init__()
        self._shape, self._eps = norm.normalized_shape, norm.eps
        self.width = norm.weight.numel()
        self._weight, self._bias = norm.weight.detach().clone(), norm.bias.detach().clone()
        kernels = native.best()
        self._kernel = None if kernels is None else kernels.norm
        addresses = [address(tensor, shape=(self.width,)) for tensor in (self._weight, self._bias)]
        self.arguments = native.NormWeight(*addresses, self.width, self._eps)
        self._address = ctypes.addressof(self.arguments)

    def forward(self, x: Tensor, added: Tensor | None = None) -> Tensor:
        """The norm of x, or of x + added; (rows, d_model) all.

        Raises:
            ValueError: if they are of another width, or not of one shape.
        """
        if self._kernel is None:
            return torch.layer_norm(x if added is None else x + added, self._shape, self._weight, self._bias, self._eps)
        x = x.contiguous()
        rows = self._rows(x)
        y, other = torch.empty_like(x), None if added is None else address(added, shape=x.shape)
        self._kernel(self._address, address(x), other, None, y.data_ptr(), rows, threads.count())
        return y

    def added(self, x: Tensor, y: Tensor) -> Tensor:
        """x + y, written over y; by the kernels' threads, which do not wait for torch's."""
        if self._kernel is None:
            return y.add_(x)
        rows, x = self._rows(x), x.contiguous()
        place = address(y, shape=x.shape)
        self._kernel(self._address, place, address(x), place, None, rows, threads.count())
        return y

    def _rows(self, x: Tensor) -> int:
        if x.size(-1) != self.width:
            raise ValueError(f"{x.size(-1)} features for a norm of {self.width}")
        return x.numel() // self.width


class Residual(nn.Module):
    """`nn.residual.ResidualNorm` without what only training needs.

    Args:
        residual: the original; its layer scale is left to `scaled`.
    """

    def __init__(self, residual: ResidualNorm) -> None:
        super().__init__()
        self.norm_first = residual.norm_first
        self.norm = PackedNorm(residual.norm)

    def before(self, x: Tensor) -> Tensor:
        """What the sublayer reads."""
        return self.norm(x) if self.norm_first else x

    def after(self, x: Tensor, y: Tensor) -> Tensor:
        """What follows, from the sublayer's input x and its output y, which may be overwritten."""
        return self.norm.added(x, y) if self.norm_first else self.norm(x, y)


class PackedFeedForward(nn.Module):
    """`nn.feed_forward.FeedForward` with packed weights.

    Args:
        feed_forward: the original.
        residual: that it stands in, for its layer scale.
        precision: of the products.
    """

    def __init__(self, feed_forward: FeedForward, residual: ResidualNorm, precision: Precision) -> None:
        super().__init__()
        self.gated = feed_forward.gated
        activation = "none" if self.gated else _name_of(feed_forward.activation)
        self.inner = product(feed_forward.inner.weight, feed_forward.inner.bias, precision, activation)
        self.outer = product(*scaled(feed_forward.outer, residual), precision)

    def forward(self, x: Tensor) -> Tensor:
        """(rows, d_model) to the same shape."""
        hidden = self.inner(x)
        if self.gated:
            gate, hidden = hidden.chunk(2, dim=-1)
            hidden = F.silu(gate) * hidden
        result: Tensor = self.outer(hidden)
        return result


def packed_norm(norm: nn.Module) -> nn.Module:
    """A stack's last norm; Post-LN stacks have none."""
    return PackedNorm(norm) if isinstance(norm, nn.LayerNorm) else norm


def attention_products(
    attention: MultiHeadAttention, residual: ResidualNorm, precision: Precision
) -> PackedAttentionWeights:
    """Query, key and value as one product, and the output, with both scales folded into the weights."""
    weight, bias = scaled_query(attention)
    return PackedAttentionWeights(
        product(weight, bias, precision), product(*scaled(attention.output, residual), precision)
    )


def scaled_query(attention: MultiHeadAttention) -> tuple[Tensor, Tensor | None]:
    """The projection's weight and bias with the query divided by sqrt(head size)."""
    factor = (attention.d_model / attention.num_heads) ** -0.5
    weight, bias = attention.query_key_value.weight.detach().clone(), attention.query_key_value.bias
    weight[: attention.d_model] *= factor
    if bias is not None:
        bias = bias.detach().clone()  # type: ignore[assignment]
        bias[: attention.d_model] *= factor
    return weight, bias


def scaled(linear: nn.Linear, residual: ResidualNorm) -> tuple[Tensor, Tensor | None]:
    """A sublayer's last weight and bias, times the layer scale that follows."""
    bias = None if linear.bias is None else linear.bias.detach()
    if not isinstance(residual.layer_scale, LayerScale):
        return linear.weight.detach(), bias
    factor = residual.layer_scale.factor.detach()
    return linear.weight.detach() * factor[:, None], None if bias is None else bias * factor


def _name_of(activation: Any) -> str:
    return next(name for name, function in ACTIVATIONS.items() if function is activation)


def empty(module: nn.Module) -> None:
    """Give the memory of a module's weights back."""
    for parameter in module.parameters():
        give_back(parameter)
        parameter.data = parameter.new_empty(0)
