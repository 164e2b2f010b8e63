"""What the packed decoder remembers: keys and values that are written once and never moved by beam search."""

import torch
from torch import Tensor

# What is remembered is copied when this share of the sentences is left; until then finished ones are decoded in vain.
PACK_BELOW = 7 / 8
GROWTH = 32  # target positions that room is made for at a time


class TranslationState:
    """Everything that one decoding step hands to the next.

    Beam search reorders hypotheses at every step. Instead of moving keys and values, a table remembers which of a
    position's entries, one a hypothesis, is the past of which hypothesis.

    Attributes:
        source: each layer's keys and values of the source, (2, slots, heads, source, head_size).
        counts: source tokens of every sentence, (slots,).
        target: each layer's keys and values of the target, (2, slots, heads, positions * beam, head_size): the
            entries of one position lie together, one a hypothesis. Empty before the first step.
        past: the hypothesis that wrote a position, (slots * beam, positions); None for one beam.
        length: target positions decoded so far.
        beam: hypotheses a sentence; 0 before the first step.

    A slot is a sentence's place in these tensors. `active` are the slots of the sentences that are still decoded, in
    their order, or None if that is all of them.

    Args:
        source: see above.
        lengths: source tokens of every sentence, (slots,).
    """

    def __init__(self, source: list[Tensor], lengths: Tensor) -> None:
        self.source = source
        self.counts = lengths
        self.target: list[Tensor] = []
        self.past: Tensor | None = None
        self.length = 0
        self.beam = 0
        self.active: Tensor | None = None

    @property
    def slots(self) -> int:
        """Number of sentences that the tensors have room for."""
        return self.counts.numel()

    @property
    def sentences(self) -> int:
        """Number of sentences that are still being decoded."""
        return self.slots if self.active is None else self.active.numel()

    def reserve(self, beam: int) -> None:
        """Make room for the next position of `beam` hypotheses a sentence."""
        self.beam = self.beam or beam
        if beam != self.beam:
            raise ValueError(f"{beam} hypotheses a sentence after steps with {self.beam}")
        if not self.target:
            self.target = [memory[:, :, :, :0] for memory in self.source]
        elif (self.length + 1) * beam <= self.target[0].size(3):
            return
        positions = self.length + GROWTH
        for index, old in enumerate(self.target):
            grown = old.new_empty(*old.shape[:3], positions * beam, old.size(4))
            grown[:, :, :, : old.size(3)] = old
            self.target[index] = grown
        if beam > 1:
            # Until it is reordered, a hypothesis's past is what it writes itself.
            past = torch.arange(beam).repeat(self.slots)[:, None].repeat(1, positions)
            if self.past is not None:
                past[:, : self.length] = self.past[:, : self.length]
            self.past = past

    def select(self, sentences: Tensor | None, parents: Tensor) -> None:
        """Go on with some of the sentences and hypotheses only.

        Args:
            sentences: indices among the active sentences, (kept,); None keeps all.
            parents: rows of the last step that the next step's hypotheses continue, (kept * beam,); a row's parent is
                a row of the same sentence.
        """
        if sentences is not None:
            self.active = sentences if self.active is None else self.active.index_select(0, sentences)
        if self.past is not None:
            used = self.past[:, : self.length]
            if self.active is None:
                used.copy_(used.index_select(0, parents))
            else:
                first = self.active[:, None] * self.beam
                rows = (first + torch.arange(self.beam)).flatten()
                used[rows] = used[(first + (parents % self.beam).view(-1, self.beam)).flatten()]
        if self.active is not None and self.active.numel() <= PACK_BELOW * self.slots:
            self._pack(self.active)

    def _pack(self, active: Tensor) -> None:
        """Give the memory of finished sentences back."""
        self.counts = self.counts.index_select(0, active)
        longest = int(self.counts.max())
        self.source = [memory[:, :, :, :longest].index_select(1, active) for memory in self.source]
        for index, old in enumerate(self.target):
            used = self.length * self.beam
            kept = old.new_empty(2, active.numel(), *old.shape[2:])
            kept[:, :, :, :used] = old[:, :, :, :used].index_select(1, active)
            self.target[index] = kept
        if self.past is not None:
            self.past = self.past.unflatten(0, (-1, self.beam)).index_select(0, active).flatten(0, 1)
        self.active = None
