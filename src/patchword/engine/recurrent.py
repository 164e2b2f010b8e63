"""The attention RNN with packed weights."""

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from patchword.engine.alignment import packed_alignment
from patchword.engine.embeddings import packed_vocabulary
from patchword.engine.layers import empty
from patchword.engine.output import Likeliest
from patchword.engine.precision import Precision
from patchword.engine.products import product
from patchword.engine.recurrence import PackedRecurrentEncoder, PackedRecurrentLayer, Steps
from patchword.models.recurrent import Recurrent, RecurrentConfig
from patchword.nn.attentional_decoder import AttentionalState
from patchword.nn.recurrence import Recurrence, RecurrentLayer


class PackedAnnotations(NamedTuple):
    """The encoder's output.

    Attributes:
        rows: (sentences, source, hidden_size), in the sentences' own order.
        mask: (sentences, source), True at real tokens.
        last: what each direction read last, side by side, (sentences, hidden_size).
    """

    rows: Tensor
    mask: Tensor
    last: Tensor


class PackedRecurrent(nn.Module):
    """`models.Recurrent` for translation on the CPU; `text.search` uses it as it uses the original.

    Args:
        model: in evaluation mode.
        precision: of the products; what is between them is in float32 in all.
        consume: empty the model's matrices as they are packed.
    """

    def __init__(self, model: Recurrent, precision: Precision, consume: bool = False) -> None:
        super().__init__()
        self.config: RecurrentConfig = model.config
        self.precision = precision
        self.source_embedding, self.target_embedding, self.output = packed_vocabulary(model, precision, consume)
        self.encoder = PackedRecurrentEncoder(model.encoder, precision, consume)
        decoder = model.decoder
        self.bridge = product(decoder.bridge.weight, decoder.bridge.bias, precision)
        self.layers = nn.ModuleList(
            PackedRecurrentLayer(cast(RecurrentLayer, layer), precision) for layer in decoder.layers
        )
        self.alignment = packed_alignment(decoder.alignment, precision)
        self.combination = product(decoder.combination.weight, None, precision)
        if consume:
            empty(decoder)

    def encode(self, source: Tensor) -> PackedAnnotations:
        """Source ids (batch, source), padded at the end, to the annotations.

        Padding is not computed, and a row of a product has the same bits whatever is beside it; so nothing of a
        sentence's annotations depends on its neighbours.

        Raises:
            ValueError: if padding stands before a token: its place would count, and here it has none.
        """
        real = source != self.config.pad_id
        if (real[:, 1:] > real[:, :-1]).any():
            raise ValueError("padding stands before a token; a packed RNN reads sentences that are padded at the end")
        lengths, order = real.sum(1).sort(descending=True, stable=True)
        steps = Steps.of(lengths)
        ids = source[order, : steps.mask.size(1)].t()[steps.mask.t()]
        rows = self.encoder(self.source_embedding(ids[None])[0], steps)
        half = self.config.hidden_size // 2
        ends = steps.places.gather(1, (lengths[:, None] - 1).clamp(min=0))[:, 0]
        last = torch.cat([rows[ends, :half], rows[steps.places[:, 0], half:]], dim=1)
        back = order.argsort()
        return PackedAnnotations(rows[steps.places[back]], steps.mask[back], last[back])

    def start(self, memory: PackedAnnotations, source: Tensor) -> AttentionalState:
        """The state before the first target token: attention's keys are computed here, once a sentence."""
        layers: list[Recurrence] = []
        for layer, part in zip(self.layers, self.bridge(memory.last).chunk(len(self.layers), dim=1), strict=True):
            hidden = part.tanh()
            layers.append((hidden, part) if cast(PackedRecurrentLayer, layer).cell == "lstm" else (hidden,))
        fed = torch.zeros(source.size(0), self.config.embedding_size) if self.config.input_feeding else None
        return AttentionalState(memory.rows, self.alignment.keys(memory.rows), memory.mask, layers, fed)

    def decode_step(self, tokens: Tensor, state: AttentionalState) -> tuple[Tensor, AttentionalState]:
        """See `SequenceToSequence.decode_step`."""
        return self.output(self._hidden(tokens, state)), state

    def likeliest(
        self, tokens: Tensor, state: AttentionalState, count: int, never: Sequence[int], renormalise: bool = True
    ) -> tuple[Likeliest, AttentionalState]:
        """See `SequenceToSequence.likeliest`."""
        return self.output.likeliest(self._hidden(tokens, state), count, never, renormalise), state

    def likeliest_of(self, logits: Tensor, count: int, never: Sequence[int], renormalise: bool = True) -> Likeliest:
        """See `SequenceToSequence.likeliest_of`."""
        return self.output.likeliest_of(logits, count, never, renormalise)

    def _hidden(self, tokens: Tensor, state: AttentionalState) -> Tensor:
        state.widen(tokens.numel())
        x = self.target_embedding(tokens[None])[0]
        x = x if state.fed is None else torch.cat([x, state.fed], dim=1)
        for index, child in enumerate(self.layers):
            layer = cast(PackedRecurrentLayer, child)
            state.layers[index] = layer.step(layer.input(x), state.layers[index])
            x = state.layers[index][0]
        context = self.alignment(x, state.keys, state.memory, state.mask.sum(1))
        hidden: Tensor = self.combination(torch.cat([context, x], dim=1)).tanh_()
        state.fed = None if state.fed is None else hidden
        state.length += 1
        return hidden
