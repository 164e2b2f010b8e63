"""A vocabulary's weights with the engine: both embeddings and the output projection, of which one may be all three."""

from ctypes import addressof
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from patchword.engine import native
from patchword.engine.layers import empty
from patchword.engine.output import PackedOutput
from patchword.engine.precision import Precision
from patchword.engine.products import PackedProduct, row_scales
from patchword.engine.tensors import address
from patchword.nn.embeddings import TokenEmbedding


class PackedEmbedding(nn.Module):
    """`nn.embeddings.TokenEmbedding` that looks its rows up in the output projection's packed weight.

    Args:
        product: with the same weight.
        scale: what rows are multiplied by.
    """

    def __init__(self, product: PackedProduct, scale: float) -> None:
        super().__init__()
        self._product, self._scale = product, scale

    def forward(self, tokens: Tensor) -> Tensor:
        """Ids (batch, length) in, vectors (batch, length, d_model) out.

        Raises:
            IndexError: if there is no such token.
        """
        kernels, tokens = native.best(), tokens.contiguous()
        assert kernels is not None
        rows = torch.empty(*tokens.shape, self._product.in_features, dtype=torch.float32)
        ids = address(tokens, torch.long, tuple(tokens.shape))
        kernels.look_up(addressof(self._product.arguments), ids, tokens.numel(), self._scale, rows.data_ptr())
        return rows


class QuantisedEmbedding(nn.Module):
    """`nn.embeddings.TokenEmbedding` with int8 rows, each with its scale.

    Args:
        embedding: the original.
    """

    def __init__(self, embedding: TokenEmbedding) -> None:
        super().__init__()
        weight = embedding.weight.detach()
        scales = row_scales(weight)[:, None]
        self._rows = (weight / scales).round_().to(torch.int8)
        self._scales = scales * embedding.scale

    def forward(self, tokens: Tensor) -> Tensor:
        """Ids (batch, length) in, vectors (batch, length, d_model) out."""
        return self._rows[tokens] * self._scales[tokens]


class RoundedEmbedding(nn.Module):
    """`nn.embeddings.TokenEmbedding` with rows in bfloat16.

    Args:
        embedding: the original.
    """

    def __init__(self, embedding: TokenEmbedding) -> None:
        super().__init__()
        self._rows = embedding.weight.detach().bfloat16()
        self._scale = embedding.scale

    def forward(self, tokens: Tensor) -> Tensor:
        """Ids (batch, length) in, vectors (batch, length, d_model) out, float32."""
        return self._rows[tokens].float() * self._scale


class PackedVocabulary(NamedTuple):
    """What stands in for a network's `source_embedding`, `target_embedding` and `output`."""

    source_embedding: nn.Module
    target_embedding: nn.Module
    output: PackedOutput


def packed_vocabulary(model: Any, precision: Precision, consume: bool) -> PackedVocabulary:
    """The vocabulary's weights; with kernels one that is the output's too is kept once.

    Args:
        model: a network with the three.
        precision: of the products and of the embeddings; in float32 an embedding with a weight of its own stays what
            it was.
        consume: empty the model's.
    """
    output = PackedOutput(model.output.weight, model.output.bias, precision)

    def packed(embedding: TokenEmbedding) -> nn.Module:
        if embedding.weight is model.output.weight and isinstance(output.product, PackedProduct):
            return PackedEmbedding(output.product, embedding.scale)
        if precision == "float32":
            return embedding
        return QuantisedEmbedding(embedding) if precision == "int8" else RoundedEmbedding(embedding)

    source = packed(model.source_embedding)
    shared = model.target_embedding is model.source_embedding
    found = PackedVocabulary(source, source if shared else packed(model.target_embedding), output)
    if consume:
        kept = {id(embedding.weight) for embedding in found[:2] if isinstance(embedding, TokenEmbedding)}
        for module in (model.source_embedding, model.target_embedding, model.output):
            if id(module.weight) not in kept:
                empty(module)
    return found
