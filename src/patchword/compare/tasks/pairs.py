"""Pairs of token sequences for encoder-decoders: teacher forcing to train, greedy decoding to measure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from patchword.compare.training import Batch, Part, beside, shuffled
from patchword.models.contracts import SequenceToSequence
from patchword.training.losses import linear_cross_entropy

PAD, START, END, FIRST = 0, 2, 3, 4  # PAD to END are the contracts' defaults; FIRST is the first of the data's own
AT_ONCE = 128  # sequences, in measuring

Ids = Sequence[int]


@dataclass(frozen=True)
class Pairs:
    """Sources (count, source) and targets (count, target), padded; a target begins with START and ends with END."""

    source: Tensor
    target: Tensor

    def __len__(self) -> int:
        return len(self.source)

    @classmethod
    def of(cls, pairs: Sequence[tuple[Ids, Ids]]) -> "Pairs":
        """From token ids without start and end; a source ends with END too."""
        return cls(
            padded([[*source, END] for source, _ in pairs]), padded([[START, *target, END] for _, target in pairs])
        )

    def thirds(self) -> tuple["Pairs", "Pairs"]:
        """The third with the shortest sources and the third with the longest."""
        order = (self.source != PAD).sum(1).argsort(stable=True)
        first, last = order[: len(self) // 3], order[-(len(self) // 3) :]
        return Pairs(self.source[first], self.target[first]), Pairs(self.source[last], self.target[last])

    def batches(self, network: nn.Module) -> Iterator[tuple[Tensor, Tensor]]:
        """All of them in order, on the network's device; padding that a batch does not need is cut off."""
        for rows in torch.arange(len(self)).split(AT_ONCE):
            yield beside(network, _cut(self.source[rows])), beside(network, _cut(self.target[rows]))


@dataclass(frozen=True)
class Translation:
    """A task of pairs.

    Attributes:
        train: what is learned from.
        validation: what learning rates are tuned on.
        test: what the claim is judged by.
        vocabulary: token ids that there are, of both sides together.
    """

    train: Pairs
    validation: Pairs
    test: Pairs
    vocabulary: int

    def batches(self, size: int, steps: int, generator: torch.Generator) -> Iterator[Batch]:
        """See `Task.batches`; padding that a batch does not need is cut off."""
        for rows in shuffled(len(self.train), size, steps, generator):
            yield _cut(self.train.source[rows]), _cut(self.train.target[rows])

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Mean cross-entropy of the next token."""
        source, target = batch
        hidden, wanted = _hidden(network, source, target)
        return linear_cross_entropy(hidden, *_sequence(network).projection(), wanted)[0] / len(wanted)

    def measured(self, network: nn.Module, part: Part) -> dict[str, float]:
        """`accuracy` of the next tokens."""
        return {"accuracy": accuracy(network, getattr(self, part))}


def accuracy(network: nn.Module, pairs: Pairs) -> float:
    """The share of next tokens that are right under teacher forcing."""
    right, tokens = 0, 0
    for source, target in pairs.batches(network):
        logits, wanted = _logits(network, source, target)
        right += int((logits.argmax(1) == wanted).sum())
        tokens += len(wanted)
    return right / tokens


def right_by_place(network: nn.Module, pairs: Pairs) -> tuple[Tensor, Tensor]:
    """Which next tokens are right under teacher forcing, and which they are, both (count, target - 1)."""
    weight, bias = _sequence(network).projection()
    right = []
    for rows in torch.arange(len(pairs)).split(AT_ONCE):
        source, target = beside(network, pairs.source[rows]), beside(network, pairs.target[rows])
        model = _sequence(network)
        hidden = model.decode(target[:, :-1], model.encode(source), source)
        right.append(nn.functional.linear(hidden, weight, bias).argmax(2) == target[:, 1:])
    return torch.cat(right).cpu(), pairs.target[:, 1:]


def exact(network: nn.Module, pairs: Pairs) -> float:
    """The share of sources whose greedy output is the target, token by token."""
    found = 0
    for source, target in pairs.batches(network):
        found += int((greedy(network, source, target.size(1) - 1) == target[:, 1:]).all(1).sum())
    return found / len(pairs)


def greedy(network: nn.Module, source: Tensor, steps: int) -> Tensor:
    """The likeliest token at every step, (batch, steps); PAD after END."""
    model = _sequence(network)
    state = model.start(model.encode(source), source)
    tokens = torch.full_like(source[:, 0], START)
    found = []
    ended = torch.zeros_like(tokens, dtype=torch.bool)
    for _ in range(steps):
        (_, best), state = model.likeliest(tokens, state, 1, (PAD, START))
        tokens = best[:, 0].masked_fill(ended, PAD)
        ended = ended | (tokens == END)
        found.append(tokens)
    return torch.stack(found, dim=1)


def padded(sequences: Sequence[Ids]) -> Tensor:
    """(count, longest), filled up with PAD."""
    return nn.utils.rnn.pad_sequence([torch.tensor(ids) for ids in sequences], batch_first=True, padding_value=PAD)


def _hidden(network: nn.Module, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Hidden states before the projection and the tokens that they should lead to, both without padding."""
    model = _sequence(network)
    hidden = model.decode(target[:, :-1], model.encode(source), source)
    real = target[:, 1:] != PAD
    return hidden[real], target[:, 1:][real]


def _logits(network: nn.Module, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Of the next tokens, and which they are, both without padding."""
    hidden, wanted = _hidden(network, source, target)
    return nn.functional.linear(hidden, *_sequence(network).projection()), wanted


def _cut(ids: Tensor) -> Tensor:
    return ids[:, : int((ids != PAD).sum(1).max())]


def _sequence(network: nn.Module) -> SequenceToSequence:
    assert isinstance(network, SequenceToSequence)
    return network
