"""The Transformer of "Attention Is All You Need" (Vaswani et al. 2017)."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from patchword.errors import RecipeError, nearest, shown
from patchword.models.contracts import SequenceConfig, SequenceToSequence
from patchword.models.evidence import Evidence, EvidenceMap, evaluating
from patchword.models.ranges import MOST_LAYERS, MOST_TOKENS, WIDEST
from patchword.nn.cache import DecoderState
from patchword.nn.decoder import Decoder
from patchword.nn.dropout import Dropout
from patchword.nn.embeddings import OutputProjection, TokenEmbedding
from patchword.nn.encoder import Encoder, LayerOptions
from patchword.nn.masks import padding_mask
from patchword.nn.positions import text_positions
from patchword.nn.trace import AttentionTrace, inside

# Sizes by name. base and big are the paper's (table 3); tiny and small suit tens of thousands of pairs.
SIZES: dict[str, dict[str, int]] = {
    "tiny": {"d_model": 128, "num_heads": 4, "encoder_layers": 4, "decoder_layers": 4, "d_ff": 256},
    "small": {"d_model": 256, "num_heads": 4, "encoder_layers": 3, "decoder_layers": 3, "d_ff": 512},
    "base": {"d_model": 512, "num_heads": 8, "encoder_layers": 6, "decoder_layers": 6, "d_ff": 2048},
    "big": {"d_model": 1024, "num_heads": 16, "encoder_layers": 6, "decoder_layers": 6, "d_ff": 4096},
}

# What the parts' axes count.
_SOURCE = {"position": "source"}
_TARGET = {"position": "target", "memory": "source"}


PositionKind = Literal["sinusoidal", "sinusoidal_halves", "learned", "none"]


class TransformerConfig(SequenceConfig):
    """Sizes and choices of a Transformer; the defaults are the paper's base model.

    Vocabulary sizes are in tokens, ids are positions in the vocabulary.
    """

    DEFAULT_SIZE: ClassVar[str] = "small"
    SIZE_NAMES: ClassVar[tuple[str, ...]] = tuple(SIZES)
    REGULARISATION: ClassVar[frozenset[str]] = frozenset({"dropout", "attention_dropout", "activation_dropout"})

    d_model: int = Field(512, gt=0, le=WIDEST)
    """Width of embeddings and layers (section 3.1)."""
    num_heads: int = Field(8, gt=0, le=WIDEST)
    """Attention heads of a layer; `d_model` is a multiple (section 3.2.2)."""
    encoder_layers: int = Field(6, gt=0, le=MOST_LAYERS)
    """Layers of the encoder (section 3.1)."""
    decoder_layers: int = Field(6, gt=0, le=MOST_LAYERS)
    """Layers of the decoder (section 3.1)."""
    d_ff: int = Field(2048, gt=0, le=4 * WIDEST)
    """Width of the feed-forward network's inner layer (section 3.3)."""
    dropout: float = Field(0.1, ge=0, lt=1)
    """Dropout probability of embeddings and of each sublayer's output (section 5.4)."""
    attention_dropout: float = Field(0.0, ge=0, lt=1)
    """Dropout probability of attention's weights."""
    activation_dropout: float = Field(0.0, ge=0, lt=1)
    """Dropout probability in the feed-forward network, after its activation."""
    activation: Literal["relu", "gelu", "gelu_tanh", "silu"] = "relu"
    """Of the feed-forward network: the paper's ReLU (equation 2), GELU, its tanh form, or Marian's "swish"."""
    norm_first: bool = False
    """Layer norm before each sublayer and at the end (Pre-LN) instead of after each sum (Post-LN, section 3.1)."""
    layer_norm_eps: float = Field(1e-5, gt=0, le=1)
    """Added to layer norm's variance."""
    positions: PositionKind = "sinusoidal"
    """Sines and cosines (section 3.5), in turn or, as Marian has them, in two halves; a learned vector for each
    position; or nothing.
    """
    decoder_positions: PositionKind | Literal["same"] = "same"
    """What the decoder has, where it differs from `positions`: for ablations, one side at a time."""
    max_positions: int = Field(1024, gt=0, le=MOST_TOKENS)
    """Number of learned positions, the longest side in tokens; other positions have no end."""
    tie_output: bool = True
    """The output projection has the target embedding's weights (section 3.4)."""
    scale_embeddings: bool = True
    """Embeddings are multiplied by the root of `d_model` (section 3.4)."""
    output_bias: bool = False
    """The output projection has a bias, as Marian's has."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.d_model % self.num_heads:
            raise ValueError(f"d_model {self.d_model} is not a multiple of num_heads {self.num_heads}")
        if any(kind.startswith("sinusoidal") for kind in self.position_kinds) and self.d_model % 2:
            raise ValueError(f"sinusoidal positions need an even d_model, not {self.d_model}")
        self.check_vocabulary()
        return self

    @property
    def position_kinds(self) -> tuple[PositionKind, PositionKind]:
        """Of the encoder and of the decoder."""
        return self.positions, self.positions if self.decoder_positions == "same" else self.decoder_positions

    @property
    def layers(self) -> int:
        """See `ModelConfig.layers`."""
        return self.encoder_layers + self.decoder_layers

    @property
    def width(self) -> int:
        """See `SequenceConfig.width`."""
        return self.d_model

    @property
    def longest(self) -> int | None:
        """Most tokens that a side can have: as many as there are learned positions."""
        return self.max_positions if "learned" in self.position_kinds else None

    @classmethod
    def size(cls, name: str) -> dict[str, Any]:
        """See `ModelConfig.size`: tiny, small, base or big."""
        if name not in SIZES:
            raise RecipeError(f"unknown Transformer size {shown(name)}; {nearest(name, SIZES)}")
        return dict(SIZES[name])

    @classmethod
    def named(cls, size: str, source_vocab_size: int, target_vocab_size: int, **changes: object) -> "TransformerConfig":
        """A size by its name: tiny, small, base or big; `changes` are further fields.

        Raises:
            RecipeError: if there is no such size.
        """
        vocabulary = {"source_vocab_size": source_vocab_size, "target_vocab_size": target_vocab_size}
        return cls.parse({**cls.size(size), **vocabulary, **changes}, f"Transformer {size}")


class Transformer(SequenceToSequence):
    """Encoder-decoder: token ids in, hidden states or logits over the target vocabulary out.

    Args:
        config: sizes and choices.
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        options = LayerOptions(
            d_model=config.d_model,
            num_heads=config.num_heads,
            d_ff=config.d_ff,
            dropout=config.dropout,
            attention_dropout=config.attention_dropout,
            activation_dropout=config.activation_dropout,
            activation=config.activation,
            norm_first=config.norm_first,
            layer_norm_eps=config.layer_norm_eps,
        )

        def embedding(vocab_size: int) -> TokenEmbedding:
            return TokenEmbedding(vocab_size, config.d_model, config.pad_id, config.scale_embeddings)

        self.source_embedding = embedding(config.source_vocab_size)
        self.target_embedding = (
            self.source_embedding if config.share_embeddings else embedding(config.target_vocab_size)
        )
        self.source_positions, self.target_positions = (
            text_positions(kind, config.d_model, config.max_positions) for kind in config.position_kinds
        )
        self.dropout = Dropout(config.dropout)
        self.encoder = Encoder(config.encoder_layers, options)
        self.decoder = Decoder(config.decoder_layers, options)
        tied = self.target_embedding if config.tie_output else None
        self.output = OutputProjection(config.target_vocab_size, config.d_model, tied, config.output_bias)

    def encode(self, source: Tensor, trace: AttentionTrace | None = None) -> Tensor:
        """Source ids (batch, source) to the memory (batch, source, d_model)."""
        told = inside(trace, "source", _SOURCE)
        x = self.source_positions(self.source_embedding(source, told), trace=told)
        # Both sides have one dropout, but a frozen encoder is in evaluation mode, and what it reads belongs to it.
        if self.encoder.training:
            x = self.dropout(x)
        return self.encoder(x, padding_mask(source, self.config.pad_id), inside(trace, "encoder", _SOURCE))

    def decode(self, target: Tensor, memory: Tensor, source: Tensor, trace: AttentionTrace | None = None) -> Tensor:
        """Hidden states before the output projection, for every target position at once (teacher forcing).

        Args:
            target: ids (batch, target), beginning with the start token.
            memory: from `encode`.
            source: the ids that the memory was made from; tells where padding is.
            trace: receives the attention weights, and is told the steps.

        Returns:
            (batch, target, d_model).
        """
        told = inside(trace, "target", _TARGET)
        x = self.dropout(self.target_positions(self.target_embedding(target, told), trace=told))
        mask = padding_mask(source, self.config.pad_id)
        return self.decoder(x, memory, mask, trace=inside(trace, "decoder", _TARGET))

    def forward(self, source: Tensor, target: Tensor, trace: AttentionTrace | None = None) -> Tensor:
        """Logits (batch, target, target_vocab_size) of each next token; softmax gives probabilities."""
        return self.output(self.decode(target, self.encode(source, trace), source, trace))

    def start(self, memory: Tensor, source: Tensor) -> DecoderState:
        """The state before the first target token: cross-attention is projected here, once a sentence."""
        return DecoderState(self.decoder.project_memory(memory), padding_mask(source, self.config.pad_id))

    def decode_step(self, tokens: Tensor, state: DecoderState) -> tuple[Tensor, DecoderState]:
        """One step of generation.

        Args:
            tokens: the newest token of each hypothesis, (rows,); rows = sentences * beam.
            state: from `start` or the previous step; it is updated in place.

        Returns:
            the next token's logits (rows, target_vocab_size), and the state.
        """
        x = self.target_positions(self.target_embedding(tokens[:, None]), state.length)
        hidden = self.decoder(self.dropout(x), state.memory, state.memory_mask, caches=state.caches)
        return self.output(hidden[:, 0]), state

    def projection(self) -> tuple[Tensor, Tensor | None]:
        """See `SequenceToSequence.projection`."""
        return self.output.weight, self.output.bias

    def parts(self) -> Mapping[str, Sequence[str]]:
        """See `Model.parts`. To the encoder belongs all that the memory is computed from, a shared embedding too."""
        return {
            "embeddings": ["source_embedding", "target_embedding"],
            "encoder": ["source_embedding", "source_positions", "encoder"],
        }

    def blocks(self) -> list[nn.Module]:
        """See `Model.blocks`: the encoder's and the decoder's layers."""
        return [*self.encoder.layers, *self.decoder.layers]

    def depth(self, name: str) -> int:
        """See `Model.depth`.

        The last decoder layer reads the memory, so the last encoder layer is right below it. Embeddings are farther
        than every layer, and a tied output projection, which is one of them, with them.
        """
        config = self.config
        first, *rest = name.split(".")
        if first == "decoder" and rest[0] == "layers":
            return config.decoder_layers - int(rest[1])
        if first == "encoder":
            layer = int(rest[1]) if rest[0] == "layers" else config.encoder_layers
            return config.encoder_layers - layer + 1
        if first.endswith(("embedding", "positions")):
            return max(config.decoder_layers, config.encoder_layers + 1) + 1
        return 0

    def adapted(self, config: TransformerConfig) -> "Transformer":
        """See `SequenceToSequence.adapted`."""
        model = Transformer(config)
        model.load_state_dict(self.state_dict())
        return model

    def evidence(self, source: Tensor, target: Tensor) -> Evidence:
        """See `SequenceToSequence.evidence`: attention of the "encoder", the "decoder", and from one to the other."""
        trace = AttentionTrace()
        self(source, target, trace)
        axes = {"encoder": ("source", "source"), "decoder": ("target", "target"), "cross": ("target", "source")}
        return {
            name: EvidenceMap(("layer", "batch", "head", *axes[name]), torch.stack(maps))
            for name, maps in trace.maps.items()
        }

    @torch.no_grad()
    def walk(self, source: Tensor, target: Tensor, trace: AttentionTrace) -> None:
        """See `SequenceToSequence.walk`."""
        with evaluating(self):
            logits = self(source, target, trace)
        trace.note("output.probabilities", ("batch", "target", "word"), logits.softmax(-1))
