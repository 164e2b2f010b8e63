"""The decoder: masked self-attention, encoder-decoder attention, feed-forward (Vaswani et al. 2017, section 3.1)."""

from collections.abc import Sequence
from typing import cast

from torch import Tensor, nn

from patchword.nn.cache import KeyValue, KeyValueCache
from patchword.nn.encoder import LayerOptions
from patchword.nn.trace import AttentionTrace, inside


class DecoderLayer(nn.Module):
    """Three sublayers, each within a residual connection and a norm.

    Args:
        options: sizes and choices.
    """

    def __init__(self, options: LayerOptions) -> None:
        super().__init__()
        self.self_attention = options.attention()
        self.self_attention_residual = options.residual()
        self.cross_attention = options.attention()
        self.cross_attention_residual = options.residual()
        self.feed_forward = options.feed_forward()
        self.feed_forward_residual = options.residual()

    def forward(
        self,
        x: Tensor,
        memory: Tensor | KeyValue,
        memory_mask: Tensor | None = None,
        target_mask: Tensor | None = None,
        *,
        cache: KeyValueCache | None = None,
        trace: AttentionTrace | None = None,
    ) -> Tensor:
        """Decode x, looking at earlier target positions and at the memory.

        Args:
            x: (batch, target, d_model); with a cache, only the new positions.
            memory: the encoder's output (batch, source, d_model), or its projection for this layer.
            memory_mask: (batch, 1, 1, source), True at real source tokens.
            target_mask: further limits on the masked self-attention, which is causal in any case. Padding at the end
                of the target needs none: no real position looks ahead at it.
            cache: this layer's earlier positions.
            trace: receives "decoder" and "cross" attention weights, and is told the steps.

        Returns:
            (batch, target, d_model).
        """
        own = inside(trace, "self_attention", {"query": "position", "key": "position"})
        x = self.self_attention_residual(
            x,
            lambda y: self.self_attention(y, mask=target_mask, causal=True, cache=cache, trace=own, name="decoder"),
            own,
        )
        cross = inside(trace, "cross_attention", {"query": "position", "key": "memory"})
        x = self.cross_attention_residual(
            x, lambda y: self.cross_attention(y, memory, memory_mask, trace=cross, name="cross"), cross
        )
        last = inside(trace, "feed_forward")
        return self.feed_forward_residual(x, lambda y: self.feed_forward(y, last), last)


class Decoder(nn.Module):
    """`num_layers` decoder layers; in Pre-LN a last norm.

    Args:
        num_layers: depth.
        options: sizes and choices of every layer.
    """

    def __init__(self, num_layers: int, options: LayerOptions) -> None:
        super().__init__()
        self.layers = nn.ModuleList(DecoderLayer(options) for _ in range(num_layers))
        self.norm = nn.LayerNorm(options.d_model, eps=options.layer_norm_eps) if options.norm_first else nn.Identity()

    def forward(
        self,
        x: Tensor,
        memory: Tensor | Sequence[KeyValue],
        memory_mask: Tensor | None = None,
        *,
        caches: Sequence[KeyValueCache] | None = None,
        trace: AttentionTrace | None = None,
    ) -> Tensor:
        """(batch, target, d_model) in, the same shape out.

        Args:
            x: embedded target tokens.
            memory: the encoder's output, or one projection of it a layer (from `project_memory`).
            memory_mask: (batch, 1, 1, source), True at real source tokens.
            caches: one a layer, when decoding step by step.
            trace: receives "decoder" and "cross" attention weights, and is told the steps by layers' numbers.
        """
        for index, layer in enumerate(self.layers):
            x = layer(
                x,
                memory if isinstance(memory, Tensor) else memory[index],
                memory_mask,
                cache=None if caches is None else caches[index],
                trace=inside(trace, str(index)),
            )
        x = self.norm(x)
        if trace is not None and not isinstance(self.norm, nn.Identity):
            trace.note("norm", ("batch", "position", "channel"), x)
        return x

    def project_memory(self, memory: Tensor) -> list[KeyValue]:
        """Every layer's cross-attention keys and values, computed once a sentence."""
        return [cast(DecoderLayer, layer).cross_attention.project_memory(memory) for layer in self.layers]
