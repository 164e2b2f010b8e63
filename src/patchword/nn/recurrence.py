"""Recurrent layers: LSTM (Hochreiter & Schmidhuber 1997; Gers et al. 2000), GRU (Cho et al. 2014), and the
bidirectional encoder of attention models (Bahdanau et al. 2015, section 3.2).
"""

import math
from typing import Literal, cast

import torch
from torch import Tensor, nn

from patchword.nn.dropout import Dropout
from patchword.nn.gates import told_step
from patchword.nn.trace import AttentionTrace, OverTime, inside

Cell = Literal["lstm", "gru"]
GATES: dict[Cell, int] = {"lstm": 4, "gru": 3}

# What one step hands to the next: h, and c for an LSTM, each (rows, hidden_size).
Recurrence = tuple[Tensor, ...]


class RecurrentLayer(nn.Module):
    """One layer in one direction, for whole sequences or a step at a time.

    LSTM, gates i, f, g, o:  c_t = sigma(f) c_{t-1} + sigma(i) tanh(g),  h_t = sigma(o) tanh(c_t)
    GRU, gates r, z, n:      h_t = (1 - sigma(z)) tanh(n) + sigma(z) h_{t-1}

    where each gate is W x_t + b + U h_{t-1} + b'; in a GRU, sigma(r) multiplies the second half of n. Gates are
    stacked in the order given, as in torch's LSTM and GRU.

    Args:
        cell: "lstm" or "gru".
        input_size: width of x.
        hidden_size: width of h.
    """

    def __init__(self, cell: Cell, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.cell = cell
        self.hidden_size = hidden_size
        rows = GATES[cell] * hidden_size
        self.input_weight = nn.Parameter(torch.empty(rows, input_size))
        self.hidden_weight = nn.Parameter(torch.empty(rows, hidden_size))
        self.input_bias = nn.Parameter(torch.empty(rows))
        self.hidden_bias = nn.Parameter(torch.empty(rows))
        self.reset_parameters()

    def forward(
        self, x: Tensor, state: Recurrence | None = None, trace: AttentionTrace | None = None
    ) -> tuple[Tensor, Recurrence]:
        """Whole sequences in one kernel, or where a trace is told the gates, a position at a time.

        Args:
            x: (batch, length, input_size).
            state: before the first position; None is zero.
            trace: is told what the gates let through at every position; see `gates.told_step`.

        Returns:
            h of every position, (batch, length, hidden_size), and the state after the last.
        """
        state = self.zero(x.size(0)) if state is None else state
        if trace is not None:
            over_time, hidden = OverTime(trace), []
            for position in x.unbind(1):
                state = self.step(position, state, over_time)
                hidden.append(state[0])
            over_time.hand_on()
            return torch.stack(hidden, 1), state
        first = [part[None].contiguous() for part in state]
        # cuDNN keeps what its backward pass needs only if told that it trains; without dropout that is all it means.
        options = (True, 1, 0.0, torch.is_grad_enabled(), False, True)
        if self.cell == "lstm":
            output, last, memory = torch.lstm(x, first, self._weights(), *options)
            return output, (last[0], memory[0])
        output, last = torch.gru(x, first[0], self._weights(), *options)
        return output, (last[0],)

    def step(self, x: Tensor, state: Recurrence, trace: AttentionTrace | None = None) -> Recurrence:
        """The state after one more input (rows, input_size); its first part is the output."""
        if trace is not None:
            return told_step(x, state, self._weights(), trace)
        if self.cell == "lstm":
            return torch.lstm_cell(x, state, *self._weights())
        return (torch.gru_cell(x, state[0], *self._weights()),)

    def zero(self, rows: int) -> Recurrence:
        """The state of a sequence that nothing was read of."""
        return (self.hidden_weight.new_zeros(rows, self.hidden_size),) * (2 if self.cell == "lstm" else 1)

    def reset_parameters(self) -> None:
        """Uniform up to 1 / sqrt(hidden_size); an LSTM forgets little at first (Jozefowicz et al. 2015)."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)
        if self.cell == "lstm":
            forget = slice(self.hidden_size, 2 * self.hidden_size)
            nn.init.ones_(self.input_bias.data[forget])
            nn.init.zeros_(self.hidden_bias.data[forget])

    def _weights(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        return self.input_weight, self.hidden_weight, self.input_bias, self.hidden_bias

    def extra_repr(self) -> str:
        """Show the kind of cell in the printed model."""
        return self.cell


class BidirectionalLayer(nn.Module):
    """Annotations h_j = [forward h_j; backward h_j] (Bahdanau et al. 2015, equation 7).

    The backward direction reads every sentence from its own last token, so padding at the end comes after all that is
    real, in both directions. That is exact, and much faster than packing on the CPU.

    Args:
        cell: "lstm" or "gru".
        input_size: width of x.
        hidden_size: width of both directions together; even.
    """

    def __init__(self, cell: Cell, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.forwards = RecurrentLayer(cell, input_size, hidden_size // 2)
        self.backwards = RecurrentLayer(cell, input_size, hidden_size // 2)

    def forward(self, x: Tensor, reversal: Tensor, trace: AttentionTrace | None = None) -> Tensor:
        """(batch, length, input_size) to (batch, length, hidden_size); `reversal` is from `reversed_positions`.

        What the trace is told of the backward direction is in the order of the sentence too.
        """
        ahead = inside(trace, "forwards")
        back = None if trace is None else trace.within("backwards", change=lambda values: _select(values, reversal))
        forwards, _ = self.forwards(x, trace=ahead)
        backwards, _ = self.backwards(_Reversed.apply(x, reversal), trace=back)
        annotations = torch.cat([forwards, _Reversed.apply(backwards, reversal)], dim=2)
        if trace is not None:
            trace.note("annotations", ("batch", "position", "channel"), annotations)
        return annotations


class RecurrentEncoder(nn.Module):
    """A stack of bidirectional layers with dropout at every input and at the output (Zaremba et al. 2014).

    Args:
        num_layers: at least 1.
        cell: "lstm" or "gru".
        input_size: width of the embeddings.
        hidden_size: width of the annotations; even.
        dropout: in training.

    Raises:
        ValueError: if hidden_size is odd.
    """

    def __init__(self, num_layers: int, cell: Cell, input_size: int, hidden_size: int, dropout: float = 0.0) -> None:
        super().__init__()
        if hidden_size % 2:
            raise ValueError(f"hidden_size {hidden_size} is odd, and its two halves are the encoder's two directions")
        sizes = [input_size, *[hidden_size] * (num_layers - 1)]
        self.layers = nn.ModuleList(BidirectionalLayer(cell, size, hidden_size) for size in sizes)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, lengths: Tensor, trace: AttentionTrace | None = None) -> Tensor:
        """Annotations of every position; those of padding mean nothing.

        Args:
            x: embeddings (batch, source, input_size), padded at the end.
            lengths: tokens of each sentence, (batch,).
            trace: is told the steps, by layers' numbers.

        Returns:
            (batch, source, hidden_size).
        """
        reversal = reversed_positions(lengths, x.size(1))
        for index, layer in enumerate(self.layers):
            x = layer(self.dropout(x), reversal, inside(trace, str(index)))
        return cast(Tensor, self.dropout(x))


def last_positions(mask: Tensor) -> Tensor:
    """How many positions there are up to the last real one: (batch, length), True at real tokens, to (batch,)."""
    places = torch.arange(1, mask.size(1) + 1, device=mask.device)
    return (mask * places).amax(1)


def reversed_positions(lengths: Tensor, longest: int) -> Tensor:
    """Where each position's token is when sentences are read backwards and padding stays: (batch, longest) rows of a
    batch whose first two dimensions are flattened. To reverse twice is to do nothing.
    """
    places = torch.arange(longest, device=lengths.device)
    within = torch.where(places < lengths[:, None], lengths[:, None] - 1 - places, places)
    return within + torch.arange(lengths.size(0), device=lengths.device)[:, None] * longest


class _Reversed(torch.autograd.Function):
    """x with its positions in another order that is its own inverse, so gradients go the same way.

    Autograd does not know that no two positions come from one, and would add them up.
    """

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor, reversal: Tensor) -> Tensor:
        ctx.save_for_backward(reversal)
        return _select(x, reversal)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, gradient: Tensor) -> tuple[Tensor, None]:
        (reversal,) = ctx.saved_tensors  # type: ignore[attr-defined]
        return _select(gradient, reversal), None


def _select(x: Tensor, rows: Tensor) -> Tensor:
    return x.reshape(-1, x.size(2)).index_select(0, rows.flatten()).view(x.shape)
