"""Alignments with packed weights, each sentence's computed apart from its neighbours."""

import torch
from torch import Tensor, nn

from patchword.engine.attention import attend
from patchword.engine.precision import Precision
from patchword.engine.products import product
from patchword.nn.alignment import AdditiveAlignment, Alignment, GeneralAlignment


class PackedAlignment(nn.Module):
    """`nn.alignment.DotAlignment` and `GeneralAlignment`; contexts come from the engine's attention with one head.

    Args:
        alignment: the original.
        precision: of the products.
    """

    def __init__(self, alignment: Alignment, precision: Precision) -> None:
        super().__init__()
        self.key = product(alignment.key.weight, None, precision) if isinstance(alignment, GeneralAlignment) else None

    def keys(self, memory: Tensor) -> Tensor:
        """(sentences, source, hidden_size) to the same shape."""
        return memory if self.key is None else self.key(memory)

    def forward(self, query: Tensor, keys: Tensor, memory: Tensor, lengths: Tensor) -> Tensor:
        """Contexts (rows, hidden_size) of decoder states (rows, hidden_size); rows = sentences * beam."""
        return _contexts(query, keys, memory, lengths)


class PackedAdditiveAlignment(PackedAlignment):
    """`nn.alignment.AdditiveAlignment`. Its scores are handed to the engine's attention as queries of unit keys."""

    def __init__(self, alignment: AdditiveAlignment, precision: Precision) -> None:
        nn.Module.__init__(self)
        self.query = product(alignment.query.weight, None, precision)
        self.key = product(alignment.key.weight, None, precision)
        self.vector = product(alignment.vector[None], None, "float32")

    def forward(self, query: Tensor, keys: Tensor, memory: Tensor, lengths: Tensor) -> Tensor:
        """See `PackedAlignment.forward`."""
        sentences, source, size = memory.shape
        query = self.query(query).view(sentences, -1, 1, size)
        scores = self.vector((query + keys[:, None]).tanh_())[..., 0]
        # Room for a score a source position, in steps: what is computed must not depend on the longest neighbour.
        width = max(size, -(-source // size) * size)
        queries = torch.zeros(scores.size(0) * scores.size(1), width)
        queries[:, :source] = scores.flatten(0, 1)
        unit = torch.eye(source, width).expand(sentences, -1, -1).contiguous()
        values = memory if width == size else torch.nn.functional.pad(memory, (0, width - size))
        return _contexts(queries, unit, values, lengths)[:, :size]


def packed_alignment(alignment: Alignment, precision: Precision) -> PackedAlignment:
    """The packed form of an alignment."""
    if isinstance(alignment, AdditiveAlignment):
        return PackedAdditiveAlignment(alignment, precision)
    return PackedAlignment(alignment, precision)


def _contexts(query: Tensor, keys: Tensor, values: Tensor, lengths: Tensor) -> Tensor:
    sentences, source, size = values.shape
    queries = query.view(sentences, -1, 1, size)
    return attend(queries, keys[:, None], values[:, None], source, lengths)
