"""The attentional recurrent decoder (Luong et al. 2015, sections 3.1 and 3.3)."""

from typing import cast

import torch
from torch import Tensor, nn

from patchword.nn.alignment import Score, alignment
from patchword.nn.dropout import Dropout
from patchword.nn.recurrence import Cell, Recurrence, RecurrentLayer, last_positions
from patchword.nn.trace import AttentionTrace, OverTime, inside


class AttentionalState:
    """Everything that one decoding step hands to the next: `sentences` x `beam` hypotheses.

    Args:
        memory: annotations, (sentences, source, hidden_size): one row a sentence, never a row a beam.
        keys: the alignment's, (sentences, source, key_size).
        mask: (sentences, source), True at real tokens.
        layers: of every decoder layer, lowest first; a row a hypothesis.
        fed: the last attentional states, (rows, size), or None without input feeding.
    """

    def __init__(
        self, memory: Tensor, keys: Tensor, mask: Tensor, layers: list[Recurrence], fed: Tensor | None
    ) -> None:
        self.memory = memory
        self.keys = keys
        self.mask = mask
        self.layers = layers
        self.fed = fed
        self.length = 0

    @property
    def sentences(self) -> int:
        """Number of sentences that are still being decoded."""
        return self.mask.size(0)

    def widen(self, rows: int) -> None:
        """Before the first step, give every sentence as many rows as it has hypotheses."""
        beam = rows // self.sentences
        if self.length == 0 and beam > 1:
            self.layers = [tuple(part.repeat_interleave(beam, 0) for part in layer) for layer in self.layers]
            self.fed = None if self.fed is None else self.fed.repeat_interleave(beam, 0)

    def select(self, sentences: Tensor | None, parents: Tensor) -> None:
        """Go on with some of the sentences and hypotheses only.

        Args:
            sentences: indices of the sentences to keep, (kept,); None keeps all, so their memory is not touched.
            parents: rows that the next step's hypotheses continue, (kept * beam,).
        """
        self.layers = [tuple(part.index_select(0, parents) for part in layer) for layer in self.layers]
        self.fed = None if self.fed is None else self.fed.index_select(0, parents)
        if sentences is not None:
            self.mask = self.mask.index_select(0, sentences)
            longest = int(last_positions(self.mask).max())
            self.mask = self.mask[:, :longest]
            same = self.keys is self.memory
            self.memory = self.memory[:, :longest].index_select(0, sentences)
            self.keys = self.memory if same else self.keys[:, :longest].index_select(0, sentences)


class AttentionalDecoder(nn.Module):
    """h_t from recurrent layers, a context c_t from attention, and the attentional state tanh(W_c [c_t; h_t])
    (equation 5).

    Its first state is tanh(W_s [forward h_S; backward h_1]), a W_s a layer (Bahdanau et al. 2015, section A.2.2, with
    both directions); an LSTM's c is what the tanh is taken of.

    Args:
        num_layers: at least 1.
        cell: "lstm" or "gru".
        size: width of target embeddings and of attentional states.
        hidden_size: width of the layers and of the annotations.
        score: which attention.
        input_feeding: the last attentional state is read beside the token (section 3.3).
        dropout: in training, at every layer's input and output, and of the attentional states.
    """

    def __init__(
        self,
        num_layers: int,
        cell: Cell,
        size: int,
        hidden_size: int,
        score: Score = "general",
        input_feeding: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.size = size
        self.input_feeding = input_feeding
        self.bridge = nn.Linear(hidden_size, num_layers * hidden_size)
        sizes = [2 * size if input_feeding else size, *[hidden_size] * (num_layers - 1)]
        self.layers = nn.ModuleList(RecurrentLayer(cell, width, hidden_size) for width in sizes)
        self.alignment = alignment(score, hidden_size)
        self.combination = nn.Linear(2 * hidden_size, size, bias=False)
        self.dropout = Dropout(dropout)
        nn.init.xavier_uniform_(self.combination.weight)
        for weight in self.bridge.weight.detach().chunk(num_layers):
            nn.init.xavier_uniform_(weight)
        nn.init.zeros_(self.bridge.bias)

    def start(self, memory: Tensor, mask: Tensor, trace: AttentionTrace | None = None) -> AttentionalState:
        """The state before the first target token, one row a sentence.

        Args:
            memory: annotations, (batch, source, hidden_size).
            mask: (batch, source), True at real tokens.
            trace: is told every layer's first hidden state.
        """
        half = memory.size(2) // 2
        ends = (last_positions(mask) - 1).clamp(min=0)
        rows = torch.arange(memory.size(0), device=memory.device)
        initial = self.bridge(torch.cat([memory[rows, ends, :half], memory[:, 0, half:]], dim=1))
        layers: list[Recurrence] = []
        for layer, part in zip(self.layers, initial.chunk(len(self.layers), dim=1), strict=True):
            hidden = part.tanh()
            if trace is not None:
                trace.note(f"{len(layers)}.initial_state", ("batch", "channel"), hidden)
            layers.append((hidden, part) if cast(RecurrentLayer, layer).cell == "lstm" else (hidden,))
        fed = memory.new_zeros(memory.size(0), self.size) if self.input_feeding else None
        return AttentionalState(memory, self.alignment.keys(memory), mask, layers, fed)

    def forward(
        self, x: Tensor, memory: Tensor, mask: Tensor, trace: AttentionTrace | None = None
    ) -> tuple[Tensor, Tensor]:
        """Teacher forcing.

        Args:
            x: target embeddings, (batch, target, size).
            memory: annotations, (batch, source, hidden_size).
            mask: (batch, source), True at real tokens.
            trace: is told the steps, each for all positions.

        Returns:
            attentional states (batch, target, size) and alignments (batch, target, source).
        """
        state = self.start(memory, mask, trace)
        if self.input_feeding:
            over_time = None if trace is None else OverTime(trace)
            steps = [self.step(position, state, over_time) for position in x.unbind(1)]
            if over_time is not None:
                over_time.hand_on()
            return torch.stack([step[0] for step in steps], 1), torch.stack([step[1] for step in steps], 1)
        for index, (layer, first) in enumerate(zip(self.layers, state.layers, strict=True)):
            x, _ = layer(self.dropout(x), first, inside(trace, str(index)))
        return self._attended(x, state, trace)

    def step(self, x: Tensor, state: AttentionalState, trace: AttentionTrace | None = None) -> tuple[Tensor, Tensor]:
        """One more target token.

        Args:
            x: its embedding for each hypothesis, (rows, size); rows = sentences * beam.
            state: updated in place.
            trace: is told the steps.

        Returns:
            attentional states (rows, size) and alignments (rows, source).
        """
        state.widen(x.size(0))
        x = self.dropout(x) if state.fed is None else torch.cat([self.dropout(x), state.fed], 1)
        for index, layer in enumerate(self.layers):
            x = x if index == 0 else self.dropout(x)
            told = inside(trace, str(index))
            state.layers[index] = cast(RecurrentLayer, layer).step(x, state.layers[index], told)
            x = state.layers[index][0]
        attended, weights = self._attended(x.view(state.sentences, -1, x.size(1)), state, trace)
        attended, weights = attended.flatten(0, 1), weights.flatten(0, 1)
        state.fed = attended if self.input_feeding else None
        state.length += 1
        return attended, weights

    def _attended(
        self, hidden: Tensor, state: AttentionalState, trace: AttentionTrace | None = None
    ) -> tuple[Tensor, Tensor]:
        hidden = self.dropout(hidden)
        told = inside(trace, "attention")
        context, weights = self.alignment(hidden, state.keys, state.memory, state.mask, told)
        attended = self.dropout(self.combination(torch.cat([context, hidden], dim=-1)).tanh())
        if told is not None:
            told.note("attentional_state", ("batch", "position", "channel"), attended)
        return attended, weights
