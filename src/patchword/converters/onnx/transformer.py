"""A Transformer as two ONNX graphs: the encoder, run once a batch, and a decoding step, run once a token."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from patchword.converters.onnx.graph import Graph, GraphTensor
from patchword.models.transformer import Transformer
from patchword.models.transformer_config import TransformerConfig
from patchword.nn.cache import KeyValue, KeyValueCache
from patchword.nn.masks import padding_mask
from patchword.nn.positions import LearnedPositions, SinusoidalPositions, sinusoidal_table

SINUSOIDS = 1024  # positions that a graph has sinusoids for, at the least


def max_positions(config: TransformerConfig) -> int | None:
    """The longest source or target, in tokens, that the graphs take; None for any.

    A graph has its positions as a table, because a table is one and the same in every runtime.
    """
    if "learned" in config.position_kinds:
        return config.max_positions
    return None if set(config.position_kinds) == {"none"} else max(config.max_positions, SINUSOIDS)


def transformer_graphs(model: Transformer) -> tuple[list[Graph], dict[str, Any]]:
    """encoder.onnx and decoder_step.onnx.

    Returns:
        the graphs, and what config.json says beside them: what a program that generates with them must know.
    """
    config = model.config
    mask = GraphTensor("source_mask", "bool", ("batch", "source"), "true at tokens, false at padding")
    source = GraphTensor("source", "int64", ("batch", "source"), "source token ids, short rows padded at the end")
    tokens = GraphTensor("tokens", "int64", ("batch",), "each row's newest token; the start token at the first step")
    logits = GraphTensor("logits", "float32", ("batch", config.target_vocab_size), "of each row's next token")
    memory = _keys_and_values(config, "memory", "source", "cross-attention: the source as decoder layer {} sees it")
    past = _keys_and_values(
        config, "past", "past", "self-attention of layer {} at earlier steps; at the first, past = 0"
    )
    present = _keys_and_values(config, "present", "past + 1", "the next step's past of layer {}")
    graphs = [
        Graph("encoder.onnx", _EncoderGraph(model), [source], [mask, *memory]),
        Graph("decoder_step.onnx", _DecoderStepGraph(model), [tokens, mask, *memory, *past], [logits, *present]),
    ]
    facts = {
        "special_ids": {"pad": config.pad_id, "start": config.bos_id, "end": config.eos_id},
        "never_generated": sorted({config.pad_id, config.bos_id} - {config.eos_id}),
        "max_positions": max_positions(config),
        "decoder_layers": config.decoder_layers,
        "num_heads": config.num_heads,
        "head_size": config.d_model // config.num_heads,
    }
    return graphs, facts


def _keys_and_values(config: TransformerConfig, name: str, length: str, meaning: str) -> list[GraphTensor]:
    shape = ("batch", config.num_heads, length, config.d_model // config.num_heads)
    return [
        GraphTensor(f"{name}_{part}.{layer}", "float32", shape, f"{part}s of {meaning.format(layer)}")
        for layer in range(config.decoder_layers)
        for part in KeyValue._fields
    ]


def _named(name: str, layers: list[KeyValue]) -> dict[str, Tensor]:
    return {
        f"{name}_{part}.{index}": getattr(layer, part)
        for index, layer in enumerate(layers)
        for part in KeyValue._fields
    }


def _layers(name: str, inputs: dict[str, Tensor], number: int) -> list[KeyValue]:
    return [KeyValue(*(inputs[f"{name}_{part}.{layer}"] for part in KeyValue._fields)) for layer in range(number)]


class _EncoderGraph(nn.Module):
    def __init__(self, model: Transformer) -> None:
        super().__init__()
        self.pad_id = model.config.pad_id
        self.embedding = model.source_embedding
        self.positions = _Positions(model.source_positions, model.config)
        self.encoder = model.encoder
        self.decoder = model.decoder

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        source = inputs["source"]
        mask = padding_mask(source, self.pad_id)
        memory = self.encoder(self.positions(self.embedding(source), 0), mask)
        return {"source_mask": mask[:, 0, 0], **_named("memory", self.decoder.project_memory(memory))}


class _DecoderStepGraph(nn.Module):
    def __init__(self, model: Transformer) -> None:
        super().__init__()
        self.num_layers = model.config.decoder_layers
        self.embedding = model.target_embedding
        self.positions = _Positions(model.target_positions, model.config)
        self.decoder = model.decoder
        self.output = model.output

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        memory = _layers("memory", inputs, self.num_layers)
        caches = [_ConcatenatingCache(past) for past in _layers("past", inputs, self.num_layers)]
        x = self.positions(self.embedding(inputs["tokens"][:, None]), inputs["past_key.0"].size(2))
        hidden = self.decoder(x, memory, inputs["source_mask"][:, None, None, :], caches=caches)
        return {"logits": self.output(hidden[:, 0]), **_named("present", [cache.present for cache in caches])}


class _Positions(nn.Module):
    """Looks positions up by index: past the table's end that is an error, where a slice would silently be shorter."""

    table: Tensor | None

    def __init__(self, positions: nn.Module, config: TransformerConfig) -> None:
        super().__init__()
        if isinstance(positions, LearnedPositions):
            self.register_buffer("table", positions.embedding.detach())
        elif isinstance(positions, SinusoidalPositions):
            length = max_positions(config)
            assert length is not None
            self.register_buffer(
                "table", sinusoidal_table(length, positions.d_model, positions.layout).to(positions.table)
            )
        else:
            self.table = None

    def forward(self, x: Tensor, offset: int) -> Tensor:
        if self.table is None:
            return x
        return x + F.embedding(torch.arange(offset, offset + x.size(1), device=x.device), self.table)


class _ConcatenatingCache(KeyValueCache):
    """A cache that a graph can express: nothing is written in place, and no size depends on a capacity."""

    def __init__(self, past: KeyValue) -> None:
        super().__init__()
        self.present = past

    def append(self, key: Tensor, value: Tensor) -> KeyValue:
        past = self.present
        self.present = KeyValue(torch.cat([past.key, key], dim=2), torch.cat([past.value, value], dim=2))
        return self.present
