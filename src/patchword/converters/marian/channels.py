"""The order of a Transformer's channels, which is free but for the sinusoids that are added to them.

Every layer reads and writes the same d_model channels, and a layer norm treats them alike. So a network whose channels
are reordered everywhere computes the same; and reordered from pairs into halves, interleaved sinusoids are the halves
layout.
"""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

# Where the channels are in a parameter, by our names.
_AXES = {
    1: re.compile(r"(source_embedding|target_embedding|output|.*\.query_key_value|.*\.inner)\.weight"),
    0: re.compile(r".*(attention\.output|\.outer|\.norm)\.(weight|bias)"),
}


def to_halves(tensors: Mapping[str, Tensor], d_model: int) -> dict[str, Tensor]:
    """A `Transformer` with interleaved sinusoids as one with the halves layout: even channels first, then odd ones."""
    return _reordered(tensors, _evens_first(d_model))


def to_interleaved(tensors: Mapping[str, Tensor], d_model: int) -> dict[str, Tensor]:
    """The reverse of `to_halves`."""
    return _reordered(tensors, _evens_first(d_model).argsort())


def _evens_first(d_model: int) -> Tensor:
    return torch.cat([torch.arange(0, d_model, 2), torch.arange(1, d_model, 2)])


def _reordered(tensors: Mapping[str, Tensor], order: Tensor) -> dict[str, Tensor]:
    result = dict(tensors)
    for name, tensor in tensors.items():
        for axis, pattern in _AXES.items():
            if pattern.fullmatch(name):
                result[name] = tensor.index_select(axis, order)
    return result
