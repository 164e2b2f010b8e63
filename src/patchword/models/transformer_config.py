"""Sizes and choices of the Transformer (Vaswani et al. 2017, table 3)."""

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from patchword.errors import RecipeError, nearest, shown
from patchword.models.ranges import MOST_LAYERS, MOST_TOKENS, WIDEST
from patchword.models.sequence_config import SequenceConfig

# Sizes by name. base and big are the paper's (table 3); tiny and small suit tens of thousands of pairs.
SIZES: dict[str, dict[str, int]] = {
    "tiny": {"d_model": 128, "num_heads": 4, "encoder_layers": 4, "decoder_layers": 4, "d_ff": 256},
    "small": {"d_model": 256, "num_heads": 4, "encoder_layers": 3, "decoder_layers": 3, "d_ff": 512},
    "base": {"d_model": 512, "num_heads": 8, "encoder_layers": 6, "decoder_layers": 6, "d_ff": 2048},
    "big": {"d_model": 1024, "num_heads": 16, "encoder_layers": 6, "decoder_layers": 6, "d_ff": 4096},
}

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
