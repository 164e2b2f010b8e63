"""The Transformer where there are no kernels: packed weights and a decoding loop of its own, in torch's operations."""

import copy
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from patchword.engine.decoder import PackedDecoder
from patchword.engine.embeddings import packed_vocabulary
from patchword.engine.encoder import Group, PackedEncoder
from patchword.engine.output import Likeliest
from patchword.engine.precision import Precision
from patchword.engine.tensor_state import TensorState
from patchword.models.transformer import Transformer
from patchword.models.transformer_config import TransformerConfig


class PlainMemory(NamedTuple):
    """The encoder's output without padding.

    Attributes:
        rows: (tokens, d_model), sentence after sentence, shortest first.
        starts: each sentence's first row, (batch,).
        lengths: each sentence's number of rows, (batch,).
    """

    rows: Tensor
    starts: Tensor
    lengths: Tensor


class PlainTransformer(nn.Module):
    """`models.Transformer` for translation on the CPU, without gradients; `text.search` uses it as the original.

    Args:
        model: in evaluation mode.
        precision: of the products; attention, norms and the search are in float32 in all.
        consume: empty the model's matrices as they are packed.
    """

    def __init__(self, model: Transformer, precision: Precision, consume: bool = False) -> None:
        super().__init__()
        self.config: TransformerConfig = model.config
        self.precision = precision
        self.source_embedding, self.target_embedding, self.output = packed_vocabulary(model, precision, consume)
        self.source_positions = copy.deepcopy(model.source_positions)
        self.target_positions = copy.deepcopy(model.target_positions)
        self.encoder = PackedEncoder(model.encoder, precision, consume)
        self.decoder = PackedDecoder(model.decoder, precision, consume)

    @torch.no_grad()
    def encode(self, source: Tensor) -> PlainMemory:
        """Source ids (batch, source), padded anywhere, to the memory.

        Sentences of one length are computed together and padding not at all, so nothing of a sentence's memory
        depends on its neighbours.
        """
        real = source != self.config.pad_id
        lengths = real.sum(1)
        ordered, order = lengths.sort(stable=True)
        groups, embedded, first, start = [], [], 0, 0
        distinct, counts = ordered.unique_consecutive(return_counts=True)
        inside = bool((real[:, 1:] > real[:, :-1]).any())  # padding has tokens behind it, whose positions count it
        if inside:
            embedded.append(self.source_positions(self.source_embedding(source))[order][real[order]])
        for length, count in zip(distinct.tolist(), counts.tolist(), strict=True):
            if not inside:
                ids = source[order[first : first + count], :length]
                embedded.append(self.source_positions(self.source_embedding(ids)).flatten(0, 1))
            groups.append(Group(start, count, length))
            first, start = first + count, start + count * length
        starts = torch.empty_like(lengths).index_copy_(0, order, ordered.cumsum(0) - ordered)
        return PlainMemory(self.encoder.rows(torch.cat(embedded), groups), starts, lengths)

    @torch.no_grad()
    def start(self, memory: PlainMemory, source: Tensor) -> TensorState:
        """The state before the first target token: cross-attention is projected here, once a sentence."""
        rows, starts, lengths = memory
        place = torch.arange(int(lengths.max()))
        # Padding repeats a sentence's last token; nobody sees it.
        places = (starts[:, None] + torch.minimum(place, (lengths[:, None] - 1).clamp(min=0))).flatten()
        return TensorState(self.decoder.project_memory(rows, places, len(starts)).numpy(), lengths.numpy())

    @torch.no_grad()
    def decode_step(self, tokens: Tensor, state: TensorState) -> tuple[Tensor, TensorState]:
        """One step of generation; see `models.Transformer.decode_step`."""
        return self.output(self._hidden(tokens, state)), state

    @torch.no_grad()
    def likeliest(
        self, tokens: Tensor, state: TensorState, count: int, never: Sequence[int], renormalise: bool = True
    ) -> tuple[Likeliest, TensorState]:
        """One step of generation that gives only the `count` likeliest next tokens of every row."""
        return self.output.likeliest(self._hidden(tokens, state), count, never, renormalise), state

    def likeliest_of(self, logits: Tensor, count: int, never: Sequence[int], renormalise: bool = True) -> Likeliest:
        """See `SequenceToSequence.likeliest_of`."""
        return self.output.likeliest_of(logits, count, never, renormalise)

    def _hidden(self, tokens: Tensor, state: TensorState) -> Tensor:
        beam = tokens.numel() // state.sentences
        active = None if state.active is None else torch.from_numpy(state.active)
        if active is not None:
            tokens = tokens.new_zeros(state.slots, beam).index_copy_(0, active, tokens.view(-1, beam)).flatten()
        x = self.target_positions(self.target_embedding(tokens[:, None]), state.length)
        hidden: Tensor = self.decoder(x[:, 0], state)
        if active is not None:
            hidden = hidden.view(state.slots, beam, -1).index_select(0, active).flatten(0, 1)
        return hidden
