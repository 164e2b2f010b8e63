"""A weight as the kernels multiply with it, from an array."""

import ctypes
from typing import Any

import numpy
from numpy import float32, int64
from numpy.typing import NDArray

from patchword.engine import native, threads
from patchword.engine.memory import LARGE_PAGES
from patchword.engine.precision import Precision

_BYTES = {"float32": 4, "bfloat16": 2, "int8": 1}


class PackedWeight:
    """activation(x W^T + b) with W packed once in the panels of `engine/kernels`.

    float32 is exact. In bfloat16 weights have 8 significant bits; activations too where the processor multiplies
    bfloat16, elsewhere they stay float32. In int8 weights have a scale an output channel, and activations are quantised
    to 8 bits at each call, row by row. Sums are in float32, or of whole numbers.

    A row's result has the same bits whatever other rows are in the batch; so a sentence's translation does not depend
    on its batch.

    Args:
        weight: (out, in).
        bias: (out,), or None.
        precision: of the weights.
        activation: a name in `nn.feed_forward.ACTIVATIONS`, or "none".

    Raises:
        ValueError: if the bias has another size.

    Attributes:
        arguments: of the kernels; they live as long as this does.
        address: of the arguments.
    """

    def __init__(
        self,
        weight: NDArray[float32],
        bias: NDArray[float32] | None,
        precision: Precision,
        activation: str = "none",
    ) -> None:
        self.out_features, self.in_features = weight.shape
        if bias is not None and bias.shape != (self.out_features,):
            raise ValueError(f"a bias of {bias.shape} for {self.out_features} features")
        kernels = native.best()
        assert kernels is not None
        outputs = -(-self.out_features // kernels.panel) * kernels.panel
        group = {"float32": 1, "bfloat16": 2, "int8": kernels.group}[precision]
        inputs = -(-self.in_features // group) * group
        weight = numpy.ascontiguousarray(weight, float32)
        self._arrays = (
            LARGE_PAGES.bytes(outputs * inputs * _BYTES[precision]),
            *(numpy.empty((2, outputs), float32) if precision == "int8" else (None, None)),
            None if bias is None else numpy.array(bias, float32),
        )
        addresses = [None if array is None else address_of(array) for array in self._arrays]
        constants = native.ACTIVATIONS.index(activation), native.PRECISIONS.index(precision)
        self.arguments = native.Weight(*addresses, self.in_features, self.out_features, *constants)
        self.address = ctypes.addressof(self.arguments)
        kernels.pack(address_of(weight), self.address, threads.count())
        self._multiply, self._look_up = kernels.product, kernels.look_up

    def product(self, x: NDArray[float32]) -> NDArray[float32]:
        """Contiguous rows (rows, in) to (rows, out)."""
        check(x, float32, (len(x), self.in_features))
        y = numpy.empty((len(x), self.out_features), float32)
        self._multiply(self.address, address_of(x), address_of(y), len(x), threads.count())
        return y

    def rows(self, outputs: NDArray[int64], factor: float) -> NDArray[float32]:
        """Rows of the weight times a factor, (count, in), for contiguous indices, (count,).

        Raises:
            IndexError: if there is no such row.
        """
        check(outputs, int64, (len(outputs),))
        found = numpy.empty((len(outputs), self.in_features), float32)
        self._look_up(self.address, address_of(outputs), len(outputs), factor, address_of(found))
        return found


class PackedNormWeight:
    """A layer norm's weight and bias, both (width,), for the kernels.

    Attributes:
        arguments: of the kernels; they live as long as this does.
    """

    def __init__(self, weight: NDArray[float32], bias: NDArray[float32], eps: float) -> None:
        self._weight, self._bias = numpy.array(weight, float32), numpy.array(bias, float32)
        self.arguments = native.NormWeight(address_of(self._weight), address_of(self._bias), len(weight), eps)

    def norm(self, x: NDArray[float32]) -> NDArray[float32]:
        """The norm of contiguous rows, (rows, width)."""
        check(x, float32, (len(x), len(self._weight)))
        kernels, y = native.best(), numpy.empty_like(x)
        assert kernels is not None
        arguments = ctypes.addressof(self.arguments)
        kernels.norm(arguments, address_of(x), None, None, address_of(y), len(x), threads.count())
        return y


def check(array: NDArray[Any], dtype: type, shape: tuple[int, ...]) -> None:
    """See that an array is what a kernel reads at its address; a ValueError if it is not."""
    if array.dtype != dtype or array.shape != shape or not array.flags.c_contiguous:
        raise ValueError(f"the engine reads {dtype.__name__} {shape} in one piece, not {array.dtype} {array.shape}")


def address_of(array: NDArray[numpy.generic]) -> int:
    """Where a contiguous array's values begin."""
    found: int = array.__array_interface__["data"][0]
    return found
