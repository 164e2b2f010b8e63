"""Scaled dot-product attention and multi-head attention (Vaswani et al. 2017, section 3.2)."""

import math

from torch import Tensor, nn
from torch.nn import functional as F

from patchword.nn.cache import KeyValue, KeyValueCache
from patchword.nn.dropout import dropout
from patchword.nn.masks import causal_mask
from patchword.nn.trace import AttentionTrace

_MAP = ("batch", "head", "query", "key")


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None = None,
    *,
    causal: bool = False,
    dropout_probability: float = 0.0,
    trace: AttentionTrace | None = None,
) -> tuple[Tensor, Tensor]:
    """softmax(Q K^T / sqrt(d_k)) V, with every step visible (equation 1).

    Args:
        query: (batch, heads, query, head_size).
        key: (batch, heads, key, head_size).
        value: (batch, heads, key, head_size).
        mask: boolean, broadcastable to (batch, heads, query, key), True = may attend.
        causal: also hide keys that come after their query.
        dropout_probability: share of the weights to drop.
        trace: is told the steps.

    Returns:
        the attended values (batch, heads, query, head_size), and the weights (batch, heads, query, key) before dropout.
    """
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))
    if trace is not None:
        trace.note("scores", _MAP, scores)
    if causal:
        scores = scores.masked_fill(~causal_mask(query.size(-2), key.size(-2), query.device), -math.inf)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = scores.softmax(dim=-1)
    attended = dropout(weights, dropout_probability, training=True) @ value
    if trace is not None:
        if (causal or mask is not None) and not (allowed := ~scores.isneginf()).all():
            trace.note("mask", _MAP, allowed)
        trace.note("weights", _MAP, weights)
        trace.note("weighted_values", ("batch", "head", "query", "channel"), attended)
    return attended, weights


class MultiHeadAttention(nn.Module):
    """Self-attention, masked self-attention and encoder-decoder attention (section 3.2.2), one class for the three.

    Queries, keys and values of all heads come from one weight, so that self-attention is a single product.
    Its rows are ordered query, key, value (as in torch's `in_proj_weight` and timm's `qkv`).

    Args:
        d_model: width of the inputs and outputs.
        num_heads: divides d_model.
        dropout: share of attention weights dropped in training.
        bias: whether the four projections have biases.

    Raises:
        ValueError: if num_heads does not divide d_model.
    """

    def __init__(self, d_model: int, num_heads: int, dropout: float = 0.0, bias: bool = True) -> None:
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"d_model {d_model} is not a multiple of num_heads {num_heads}")
        self.d_model = d_model
        self.num_heads = num_heads
        self.dropout = dropout
        self.query_key_value = nn.Linear(d_model, 3 * d_model, bias=bias)
        self.output = nn.Linear(d_model, d_model, bias=bias)
        self.reset_parameters()

    def forward(
        self,
        x: Tensor,
        memory: Tensor | KeyValue | None = None,
        mask: Tensor | None = None,
        *,
        causal: bool = False,
        cache: KeyValueCache | None = None,
        trace: AttentionTrace | None = None,
        name: str = "attention",
    ) -> Tensor:
        """Attend from x to itself or to a memory.

        Args:
            x: (batch, query, d_model).
            memory: None for self-attention; (batch, key, d_model), or what `project_memory` made of it, for
                encoder-decoder attention. Projected memory may have fewer rows than x: then every
                batch / rows consecutive rows of x (the beams of a sentence) share one.
            mask: boolean, broadcastable to (batch, heads, query, key), True = may attend.
            causal: hide later positions (masked self-attention).
            cache: earlier positions' keys and values; the new ones are added to it.
            trace: receives the attention weights under `name`, and is told the steps.
            name: the key in the trace.

        Returns:
            (batch, query, d_model).
        """
        shape = x.shape
        if memory is None:
            query, key, value = (self._split_heads(part) for part in self.query_key_value(x).chunk(3, dim=-1))
            if cache is not None:
                key, value = cache.append(key, value)
        else:
            key, value = memory if isinstance(memory, KeyValue) else self.project_memory(memory)
            weight, bias = self._projection(0, 1)
            query = self._split_heads(F.linear(x.reshape(key.size(0), -1, self.d_model), weight, bias))
        causal = causal and query.size(-2) > 1  # a single, newest query may see every key
        if causal and (mask is not None or query.size(-2) != key.size(-2)):
            hidden = causal_mask(query.size(-2), key.size(-2), x.device)
            mask, causal = hidden if mask is None else mask & hidden, False
        dropout_probability = self.dropout if self.training else 0.0
        if trace is None and dropout_probability == 0.0:
            attended = F.scaled_dot_product_attention(query, key, value, mask, is_causal=causal)
        else:
            if trace is not None:
                for part, place, values in (("query", "query", query), ("key", "key", key), ("value", "key", value)):
                    trace.note(part, ("batch", "head", place, "channel"), values)
            attended, weights = scaled_dot_product_attention(
                query, key, value, mask, causal=causal, dropout_probability=dropout_probability, trace=trace
            )
            if trace is not None:
                trace.record(name, weights)
        output: Tensor = self.output(attended.transpose(1, 2).reshape(shape))
        if trace is not None:
            trace.note("output", ("batch", "query", "channel"), output)
        return output

    def project_memory(self, memory: Tensor) -> KeyValue:
        """Keys and values of a memory (batch, key, d_model), to be reused at every decoding step."""
        weight, bias = self._projection(1, 3)
        key, value = F.linear(memory, weight, bias).chunk(2, dim=-1)
        return KeyValue(self._split_heads(key), self._split_heads(value))

    def _projection(self, start: int, end: int) -> tuple[Tensor, Tensor | None]:
        rows = slice(start * self.d_model, end * self.d_model)
        bias = self.query_key_value.bias
        return self.query_key_value.weight[rows], None if bias is None else bias[rows]

    def _split_heads(self, x: Tensor) -> Tensor:
        batch, length, _ = x.shape
        heads = x.view(batch, length, self.num_heads, self.d_model // self.num_heads)
        return heads.transpose(1, 2)  # (batch, heads, length, head_size)

    def reset_parameters(self) -> None:
        """Xavier-uniform for each of the four d_model x d_model matrices, zero biases."""
        for block in self.query_key_value.weight.detach().chunk(3):
            nn.init.xavier_uniform_(block)
        nn.init.xavier_uniform_(self.output.weight)
        for bias in (self.query_key_value.bias, self.output.bias):
            if bias is not None:
                nn.init.zeros_(bias)
