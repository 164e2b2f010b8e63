"""Packed recurrent layers, on rows without padding."""

from itertools import pairwise
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from patchword.engine.layers import empty
from patchword.engine.precision import Precision
from patchword.engine.products import product
from patchword.nn.recurrence import BidirectionalLayer, Recurrence, RecurrentEncoder, RecurrentLayer


class PackedRecurrentLayer(nn.Module):
    """`nn.recurrence.RecurrentLayer` with packed weights.

    All between the products is computed element by element, by operations whose result for an element is the same
    wherever it stands: torch's sigmoid is not one, since the last few elements of a tensor go another way than the
    others. So sigmoids are 1 / (1 + exp(-x)) with the sign in the weights, and an LSTM's tanh(g) is 2 sigmoid(2 g) - 1,
    which takes a third of tanh's time.

    Args:
        layer: the original.
        precision: of the products.
    """

    def __init__(self, layer: RecurrentLayer, precision: Precision) -> None:
        super().__init__()
        self.cell, self.hidden_size = layer.cell, layer.hidden_size
        factors = {"lstm": (-1.0, -1.0, -2.0, -1.0), "gru": (-1.0, -1.0, 1.0)}[layer.cell]
        scale = torch.tensor(factors).repeat_interleave(self.hidden_size)
        self.input = product(layer.input_weight.detach() * scale[:, None], layer.input_bias * scale, precision)
        self.hidden = product(layer.hidden_weight.detach() * scale[:, None], layer.hidden_bias * scale, precision)

    def step(self, projected: Tensor, state: Recurrence) -> Recurrence:
        """The state after one more input.

        Args:
            projected: `input` of it, (rows, gates * hidden_size).
            state: before it, each part (rows, hidden_size).
        """
        recurrent = self.hidden(state[0])
        size = self.hidden_size
        if self.cell == "lstm":
            gates = recurrent.add_(projected).exp_().add_(1.0).reciprocal_()
            i, f, g, o = gates.split(size, dim=1)
            memory = (f * state[1]).add_(i * g.mul_(2.0).sub_(1.0))
            return memory.tanh().mul_(o), memory
        gates = recurrent[:, : 2 * size].add_(projected[:, : 2 * size]).exp_().add_(1.0).reciprocal_()
        reset, update = gates.split(size, dim=1)
        candidate = recurrent[:, 2 * size :].mul_(reset).add_(projected[:, 2 * size :]).tanh()
        return (candidate + update * (state[0] - candidate),)

    def forward(self, x: Tensor, starts: list[int]) -> Tensor:
        """All steps of sentences that lie as `Steps` says: (rows, input_size) to (rows, hidden_size)."""
        projected = self.input(x)
        y = torch.empty(x.size(0), self.hidden_size)
        rows = starts[1] if len(starts) > 1 else 0
        state: Recurrence = (torch.zeros(rows, self.hidden_size),) * (2 if self.cell == "lstm" else 1)
        for start, end in pairwise(starts):
            state = self.step(projected[start:end], tuple(part[: end - start] for part in state))
            y[start:end] = state[0]
        return y


class Steps(NamedTuple):
    """Where sentences, longest first, lie in rows: the first token of each, then the second of each that has one, ...

    Attributes:
        starts: the first row of every place in a sentence, and the number of rows.
        reversal: the row of each row's token when sentences are read backwards.
        places: (sentences, longest), the row of every token; that of a sentence's first token where it has none.
        mask: (sentences, longest), True where it has one.
    """

    starts: list[int]
    reversal: Tensor
    places: Tensor
    mask: Tensor

    @classmethod
    def of(cls, lengths: Tensor) -> "Steps":
        """For sentences of these lengths, which fall."""
        place = torch.arange(int(lengths.max()) if lengths.numel() else 0)
        mask = place < lengths[:, None]
        starts = torch.cat([torch.zeros(1, dtype=torch.long), mask.sum(0).cumsum(0)])
        sentence = torch.arange(lengths.numel())[:, None]
        places = starts[:-1] * mask + sentence
        backwards = starts[(lengths[:, None] - 1 - place).clamp(min=0)] + sentence
        return cls(starts.tolist(), backwards.t()[mask.t()], places, mask)


class PackedRecurrentEncoder(nn.Module):
    """`nn.recurrence.RecurrentEncoder` with packed weights.

    Args:
        encoder: the original.
        precision: of the products.
        consume: empty each of its layers as soon as it is packed.
    """

    def __init__(self, encoder: RecurrentEncoder, precision: Precision, consume: bool = False) -> None:
        super().__init__()
        self.forwards, self.backwards = nn.ModuleList(), nn.ModuleList()
        for child in encoder.layers:
            layer = cast(BidirectionalLayer, child)
            self.forwards.append(PackedRecurrentLayer(layer.forwards, precision))
            self.backwards.append(PackedRecurrentLayer(layer.backwards, precision))
            if consume:
                empty(layer)

    def forward(self, x: Tensor, steps: Steps) -> Tensor:
        """Embeddings (rows, input_size) to annotations (rows, hidden_size)."""
        for forwards, backwards in zip(self.forwards, self.backwards, strict=True):
            reverse = backwards(x[steps.reversal], steps.starts)[steps.reversal]
            x = torch.cat([forwards(x, steps.starts), reverse], dim=1)
        return x
