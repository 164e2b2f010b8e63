"""What the packed decoder remembers: keys and values that are written once and never moved by beam search."""

import math
from typing import Any

import torch
from torch import Tensor

from patchword.engine.memory import LARGE_PAGES

# What is remembered is copied when this share of the sentences is left; until then finished ones are decoded in vain.
PACK_BELOW = 0.6
GROWTH = 32  # target positions that room is made for at a time


class TranslationState:
    """Everything that one decoding step hands to the next.

    Beam search reorders hypotheses at every step. Instead of moving keys and values, a table remembers which of a
    position's entries, one a hypothesis, is the past of which hypothesis.

    Attributes:
        source: every layer's keys and values of the source, (layers, 2, slots, heads, source, head_size).
        counts: source tokens of every sentence, (slots,).
        target: every layer's keys and values of the target, (layers, 2, slots, heads, positions * beam, head_size):
            the entries of one position lie together, one a hypothesis. Without room before the first step.
        past: the hypothesis that wrote a position, (slots * beam, positions); None for one beam.
        length: target positions decoded so far.
        beam: hypotheses a sentence; 0 before the first step.
        arguments: where a kernel finds all this; None until it is asked for, and after a tensor was exchanged.

    A slot is a sentence's place in these tensors. `active` are the slots of the sentences that are still decoded, in
    their order, or None if that is all of them.

    Args:
        source: see above.
        lengths: source tokens of every sentence, (slots,).
    """

    def __init__(self, source: Tensor, lengths: Tensor) -> None:
        self.source = source
        self.counts = lengths
        self.target = source[:, :, :, :, :0]
        self.past: Tensor | None = None
        self.length = 0
        self.beam = 0
        self.active: Tensor | None = None
        self.arguments: Any | None = None

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
        if (self.length + 1) * beam <= self.target.size(4):
            return
        positions = self.length + GROWTH
        shape = (*self.source.shape[:4], positions * beam, self.source.size(5))
        grown = LARGE_PAGES.empty(math.prod(shape)).view(shape)
        grown[:, :, :, :, : self.target.size(4)] = self.target
        self.target, self.arguments = grown, None
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
        self.arguments = None
        self.counts = self.counts.index_select(0, active)
        longest = int(self.counts.max())
        self.source = self.source[:, :, :, :, :longest].index_select(2, active)
        used = self.length * self.beam
        kept = self.target.new_empty(*self.target.shape[:2], active.numel(), *self.target.shape[3:])
        kept[:, :, :, :, :used] = self.target[:, :, :, :, :used].index_select(2, active)
        self.target = kept
        if self.past is not None:
            self.past = self.past.unflatten(0, (-1, self.beam)).index_select(0, active).flatten(0, 1)
        self.active = None
