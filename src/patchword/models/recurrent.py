"""The recurrent encoder-decoder with attention (Bahdanau et al. 2015; Luong et al. 2015)."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from patchword.errors import RecipeError, nearest, shown
from patchword.models.contracts import SequenceToSequence
from patchword.models.evidence import Evidence, EvidenceMap, evaluating
from patchword.models.ranges import WIDEST
from patchword.models.sequence_config import SequenceConfig
from patchword.nn.alignment import Score
from patchword.nn.attentional_decoder import AttentionalDecoder, AttentionalState
from patchword.nn.embeddings import OutputProjection, TokenEmbedding
from patchword.nn.recurrence import Cell, RecurrentEncoder, last_positions
from patchword.nn.trace import AttentionTrace, inside

# Sizes by name, with about as many parameters as the Transformers of these names have.
SIZES: dict[str, dict[str, int]] = {
    "tiny": {"embedding_size": 128, "hidden_size": 256, "encoder_layers": 2, "decoder_layers": 1},
    "small": {"embedding_size": 256, "hidden_size": 512, "encoder_layers": 1, "decoder_layers": 1},
    "base": {"embedding_size": 512, "hidden_size": 1024, "encoder_layers": 4, "decoder_layers": 2},
    "big": {"embedding_size": 1024, "hidden_size": 2048, "encoder_layers": 4, "decoder_layers": 2},
}

# What the parts' axes count.
_SOURCE = {"position": "source"}
_TARGET = {"position": "target", "memory": "source"}


class RecurrentConfig(SequenceConfig):
    """Sizes and choices of an attention RNN; the defaults are Luong's: LSTMs, general attention, input feeding.

    Vocabulary sizes are in tokens, ids are positions in the vocabulary.
    """

    DEFAULT_SIZE: ClassVar[str] = "small"
    SIZE_NAMES: ClassVar[tuple[str, ...]] = tuple(SIZES)
    REGULARISATION: ClassVar[frozenset[str]] = frozenset({"dropout"})

    cell: Cell = "lstm"
    """LSTM (Hochreiter & Schmidhuber 1997), or GRU (Cho et al. 2014), as in Bahdanau et al. 2015."""
    attention: Score = "general"
    """How a source position is scored: additive attention (Bahdanau et al. 2015, section A.1.2), or a dot product,
    plain or with a matrix between (Luong et al. 2015, section 3.1).
    """
    input_feeding: bool = True
    """The decoder reads its last attentional state beside the token (Luong et al. 2015, section 3.3)."""
    embedding_size: int = Field(256, gt=0, le=WIDEST)
    """Width of embeddings and of attentional states."""
    hidden_size: int = Field(512, gt=0, le=WIDEST)
    """Width of the decoder's layers, and of the encoder's two directions together; an even number."""
    encoder_layers: int = Field(1, ge=1, le=4)
    """Layers of the encoder, each in both directions."""
    decoder_layers: int = Field(1, ge=1, le=4)
    """Layers of the decoder."""
    dropout: float = Field(0.2, ge=0, lt=1)
    """Dropout probability at every layer's input and output, and of the attentional states (Zaremba et al. 2014)."""
    tie_output: bool = True
    """The output projection has the target embedding's weights (Vaswani et al. 2017, section 3.4)."""
    scale_embeddings: bool = False
    """Embeddings are multiplied by the root of `embedding_size`."""
    output_bias: bool = False
    """The output projection has a bias."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.hidden_size % 2:
            raise ValueError(
                f"hidden_size {self.hidden_size} is odd, and its two halves are the encoder's two directions"
            )
        self.check_vocabulary()
        return self

    @property
    def layers(self) -> int:
        """See `ModelConfig.layers`."""
        return self.encoder_layers + self.decoder_layers

    @property
    def width(self) -> int:
        """See `SequenceConfig.width`."""
        return self.embedding_size

    @classmethod
    def size(cls, name: str) -> dict[str, Any]:
        """See `ModelConfig.size`: tiny, small, base or big."""
        if name not in SIZES:
            raise RecipeError(f"unknown RNN size {shown(name)}; {nearest(name, SIZES)}")
        return dict(SIZES[name])


class Recurrent(SequenceToSequence):
    """Encoder-decoder: token ids in, hidden states or logits over the target vocabulary out.

    Args:
        config: sizes and choices.
    """

    def __init__(self, config: RecurrentConfig) -> None:
        super().__init__()
        self.config = config

        def embedding(vocab_size: int) -> TokenEmbedding:
            return TokenEmbedding(vocab_size, config.embedding_size, config.pad_id, config.scale_embeddings)

        self.source_embedding = embedding(config.source_vocab_size)
        self.target_embedding = (
            self.source_embedding if config.share_embeddings else embedding(config.target_vocab_size)
        )
        self.encoder = RecurrentEncoder(
            config.encoder_layers, config.cell, config.embedding_size, config.hidden_size, config.dropout
        )
        self.decoder = AttentionalDecoder(
            config.decoder_layers,
            config.cell,
            config.embedding_size,
            config.hidden_size,
            config.attention,
            config.input_feeding,
            config.dropout,
        )
        tied = self.target_embedding if config.tie_output else None
        self.output = OutputProjection(config.target_vocab_size, config.embedding_size, tied, config.output_bias)

    def encode(self, source: Tensor, trace: AttentionTrace | None = None) -> Tensor:
        """Source ids (batch, source) to annotations (batch, source, hidden_size).

        All dropout of this side is the encoder's own, so there is none where the encoder is in evaluation mode.
        """
        embedded = self.source_embedding(source, inside(trace, "source", _SOURCE))
        lengths = last_positions(self._real(source))
        annotations: Tensor = self.encoder(embedded, lengths, inside(trace, "encoder", _SOURCE))
        return annotations

    def decode(self, target: Tensor, memory: Tensor, source: Tensor, trace: AttentionTrace | None = None) -> Tensor:
        """See `SequenceToSequence.decode`: attentional states (batch, target, embedding_size)."""
        embedded = self.target_embedding(target, inside(trace, "target", _TARGET))
        states: Tensor = self.decoder(embedded, memory, self._real(source), inside(trace, "decoder", _TARGET))[0]
        return states

    def forward(self, source: Tensor, target: Tensor, trace: AttentionTrace | None = None) -> Tensor:
        """Logits (batch, target, target_vocab_size) of each next token; softmax gives probabilities."""
        logits: Tensor = self.output(self.decode(target, self.encode(source, trace), source, trace))
        return logits

    def start(self, memory: Tensor, source: Tensor) -> AttentionalState:
        """The state before the first target token: attention's keys are computed here, once a sentence."""
        return self.decoder.start(memory, self._real(source))

    def decode_step(self, tokens: Tensor, state: AttentionalState) -> tuple[Tensor, AttentionalState]:
        """See `SequenceToSequence.decode_step`; the state is updated in place."""
        hidden, _ = self.decoder.step(self.target_embedding(tokens), state)
        return self.output(hidden), state

    def projection(self) -> tuple[Tensor, Tensor | None]:
        """See `SequenceToSequence.projection`."""
        return self.output.weight, self.output.bias

    def parts(self) -> Mapping[str, Sequence[str]]:
        """See `Model.parts`. To the encoder belongs all that the memory is computed from, a shared embedding too."""
        return {
            "embeddings": ["source_embedding", "target_embedding"],
            "encoder": ["source_embedding", "encoder"],
        }

    def depth(self, name: str) -> int:
        """See `Model.depth`.

        Attention belongs to the last decoder layer, and reads what the last encoder layer wrote. So does the bridge
        to the decoder's first states.
        """
        config = self.config
        first, *rest = name.split(".")
        if first == "decoder":
            if rest[0] == "layers":
                return config.decoder_layers - int(rest[1])
            return 2 if rest[0] == "bridge" else 1
        if first == "encoder":
            return config.encoder_layers - int(rest[1]) + 1
        if first.endswith("embedding"):
            return max(config.decoder_layers, config.encoder_layers + 1) + 1
        return 0

    def adapted(self, config: RecurrentConfig) -> "Recurrent":
        """See `SequenceToSequence.adapted`."""
        model = Recurrent(config)
        model.load_state_dict(self.state_dict())
        return model

    def evidence(self, source: Tensor, target: Tensor) -> Evidence:
        """See `SequenceToSequence.evidence`: the alignments, one layer of one head."""
        _, weights = self.decoder(self.target_embedding(target), self.encode(source), self._real(source))
        return {"cross": EvidenceMap(("layer", "batch", "head", "target", "source"), weights.detach()[None, :, None])}

    @torch.no_grad()
    def walk(self, source: Tensor, target: Tensor, trace: AttentionTrace) -> None:
        """See `SequenceToSequence.walk`; gates are computed one position at a time, to be seen."""
        with evaluating(self):
            logits = self(source, target, trace)
        trace.note("output.probabilities", ("batch", "target", "word"), logits.softmax(-1))

    def _real(self, tokens: Tensor) -> Tensor:
        return tokens != self.config.pad_id
