"""One step of an LSTM or a GRU with every gate visible; `recurrence` computes the same in torch's kernels."""

from torch import Tensor
from torch.nn import functional as F

from patchword.nn.trace import AttentionTrace

_VECTOR = ("batch", "channel")


def told_step(
    x: Tensor, state: tuple[Tensor, ...], weights: tuple[Tensor, Tensor, Tensor, Tensor], trace: AttentionTrace
) -> tuple[Tensor, ...]:
    """One step; the trace is told each gate, between 0, which lets nothing through, and 1.

    Args:
        x: the input, (rows, input_size).
        state: h and c of an LSTM, h of a GRU, each (rows, hidden_size).
        weights: of the input and of h, then their biases; gates stacked as in `RecurrentLayer`.
        trace: whose steps are named "lstm..." or "gru...".

    Returns:
        the state after it.
    """
    from_input = F.linear(x, weights[0], weights[2])
    from_hidden = F.linear(state[0], weights[1], weights[3])
    if len(state) == 2:
        return _lstm(from_input + from_hidden, state[1], trace.within("lstm"))
    return (_gru(from_input, from_hidden, state[0], trace.within("gru")),)


def _lstm(gates: Tensor, cell: Tensor, trace: AttentionTrace) -> tuple[Tensor, Tensor]:
    """Hochreiter & Schmidhuber 1997, section 4, with the forget gate of Gers et al. 2000."""
    first, second, third, fourth = gates.chunk(4, dim=1)
    let_in, kept, candidate, let_out = first.sigmoid(), second.sigmoid(), third.tanh(), fourth.sigmoid()
    cell = kept * cell + let_in * candidate
    hidden = let_out * cell.tanh()
    trace.note("input_gate", _VECTOR, let_in)
    trace.note("forget_gate", _VECTOR, kept)
    trace.note("candidate", _VECTOR, candidate)
    trace.note("cell", _VECTOR, cell)
    trace.note("output_gate", _VECTOR, let_out)
    trace.note("hidden", _VECTOR, hidden)
    return hidden, cell


def _gru(from_input: Tensor, from_hidden: Tensor, hidden: Tensor, trace: AttentionTrace) -> Tensor:
    """Cho et al. 2014, equations 5 to 8; the reset gate acts behind the matrix, as in torch's GRU."""
    (first, second, third), (reset_h, update_h, candidate_h) = from_input.chunk(3, dim=1), from_hidden.chunk(3, dim=1)
    reset, update = (first + reset_h).sigmoid(), (second + update_h).sigmoid()
    candidate = (third + reset * candidate_h).tanh()
    hidden = (1 - update) * candidate + update * hidden
    trace.note("reset_gate", _VECTOR, reset)
    trace.note("update_gate", _VECTOR, update)
    trace.note("candidate", _VECTOR, candidate)
    trace.note("hidden", _VECTOR, hidden)
    return hidden
