"""The Transformer of "Attention Is All You Need" (Vaswani et al. 2017)."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from patchword.models.contracts import SequenceToSequence
from patchword.models.evidence import Evidence, EvidenceMap, evaluating
from patchword.models.transformer_config import TransformerConfig
from patchword.nn.cache import DecoderState
from patchword.nn.decoder import Decoder
from patchword.nn.dropout import Dropout
from patchword.nn.embeddings import OutputProjection, TokenEmbedding
from patchword.nn.encoder import Encoder, LayerOptions
from patchword.nn.masks import padding_mask
from patchword.nn.positions import text_positions
from patchword.nn.trace import AttentionTrace, inside

# What the parts' axes count.
_SOURCE = {"position": "source"}
_TARGET = {"position": "target", "memory": "source"}


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
