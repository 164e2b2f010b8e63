"""Weights as numpy's arrays over a mapped file, for what packs them at once and needs no torch."""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy
from numpy import float32
from numpy.typing import NDArray

from patchword.checkpoints.header import places
from patchword.errors import NotFiniteError
from patchword.memory import give_back_bytes, mapped


class MappedArrays:
    """The tensors of a safetensors file, read by the system when somebody looks at their values.

    What somebody else writes into the file may show in them, and a file that is made shorter, or a disk that fails,
    ends the process: for a network that is packed at once.

    Args:
        path: the file.
        also: further names of some of its tensors, such as those of a tied weight.

    Attributes:
        shapes: of its tensors by name, for whoever knows what they must be.

    Raises:
        ValueError: if a tensor is not float32, or lies where it cannot be read in place.
        OSError: if the file cannot be read.
        safetensors.SafetensorError: if it is damaged.
    """

    def __init__(self, path: Path, also: Mapping[str, str]) -> None:
        with path.open("rb") as file:
            found = places(path, file)
            if found is None or any(start % 4 for _, start in found.values()):
                raise ValueError("not all tensors are float32 in their places")
            self._area = mapped(file)
        self._found, self._also = found, also
        self.shapes = {name: shape for name, (shape, _) in found.items()}
        self._checked: set[str] = set()

    def __getitem__(self, name: str) -> NDArray[float32]:
        """Values that are all numbers; they are the file's, so they are read and not kept.

        Raises:
            NotFiniteError: if one is infinite or not a number.
        """
        name = self._also.get(name, name)
        shape, start = self._found[name]
        array = numpy.frombuffer(self._area, float32, math.prod(shape), start).reshape(shape)
        if name not in self._checked:
            # A sum that is a number has no other summands; one that overflows says nothing.
            with numpy.errstate(all="ignore"):
                finite = bool(numpy.isfinite(array.sum()) or numpy.isfinite(array).all())
            if not finite:
                raise NotFiniteError(f"{name} holds values that are infinite or not a number; the weights are damaged")
            self._checked.add(name)
        return array

    def give_up(self, name: str) -> None:
        """What has this name, or one that begins with it and a dot, is not looked at again soon."""
        own = {self._also.get(key, key) for key in (*self._found, *self._also) if f"{key}.".startswith(f"{name}.")}
        for array in map(self.__getitem__, own):
            give_back_bytes(array.__array_interface__["data"][0], array.nbytes)
