"""What the packed decoder remembers: keys and values that are written once and never moved by beam search."""

import torch
from torch import Tensor

# What is remembered is copied when this share of the sentences is left; until then finished ones are decoded in vain.
PACK_BELOW = 7 / 8
GROWTH = 32  # target positions that room is made for at a time


class TranslationState:
    """Everything that one decoding step hands to the next.

    Beam search reorders hypotheses at every step. Instead of moving keys and values, a mask remembers which entries
    are a hypothesis's own past: the beams of a sentence read all entries of the sentence, and the mask hides those of
    other hypotheses.

    Attributes:
        source: each layer's keys and values of the source, (2, slots, heads, source, head_size).
        source_mask: 0 at source tokens, -inf at padding, (slots, 1, 1, source); None if nothing is padded.
        target: each layer's keys and values of the target, (2, slots, heads, positions * beam, head_size): the
            entries of one position lie together, one a hypothesis. Empty before the first step.
        target_mask: 0 at a hypothesis's own past, else -inf, (slots, 1, beam, positions * beam); None for one beam.
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
        self.target: list[Tensor] = []
        self.target_mask: Tensor | None = None
        self.length = 0
        self.beam = 0
        self.active: Tensor | None = None
        self._lengths = lengths
        self.source_mask = _padding(lengths)

    @property
    def slots(self) -> int:
        """Number of sentences that the tensors have room for."""
        return self._lengths.numel()

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
        entries = (self.length + GROWTH) * beam
        for index, old in enumerate(self.target):
            grown = old.new_empty(*old.shape[:3], entries, old.size(4))
            grown[:, :, :, : old.size(3)] = old
            self.target[index] = grown
        if beam > 1:
            # A hypothesis always sees the entry that it writes itself.
            own = torch.eye(beam, dtype=torch.bool).repeat(1, self.length + GROWTH)
            mask = old.new_zeros(self.slots, 1, beam, entries).masked_fill_(~own, -torch.inf)
            if self.target_mask is not None:
                mask[..., : self.target_mask.size(3)] = self.target_mask
            self.target_mask = mask

    def select(self, sentences: Tensor | None, parents: Tensor) -> None:
        """Go on with some of the sentences and hypotheses only.

        Args:
            sentences: indices among the active sentences, (kept,); None keeps all.
            parents: rows of the last step that the next step's hypotheses continue, (kept * beam,); a row's parent is
                a row of the same sentence.
        """
        if sentences is not None:
            self.active = sentences if self.active is None else self.active.index_select(0, sentences)
        if self.target_mask is not None:
            used = self.length * self.beam
            own = (parents % self.beam).view(-1, 1, self.beam, 1).expand(-1, -1, -1, used)
            if self.active is None:
                self.target_mask[..., :used] = self.target_mask[..., :used].gather(2, own)
            else:
                past = self.target_mask[self.active, ..., :used].gather(2, own)
                self.target_mask[self.active, ..., :used] = past
        if self.active is not None and self.active.numel() <= PACK_BELOW * self.slots:
            self._pack(self.active)

    def _pack(self, active: Tensor) -> None:
        """Give the memory of finished sentences back."""
        self._lengths = self._lengths.index_select(0, active)
        longest = int(self._lengths.max())
        self.source_mask = _padding(self._lengths)
        self.source = [memory[:, :, :, :longest].index_select(1, active) for memory in self.source]
        for index, old in enumerate(self.target):
            used = self.length * self.beam
            kept = old.new_empty(2, active.numel(), *old.shape[2:])
            kept[:, :, :, :used] = old[:, :, :, :used].index_select(1, active)
            self.target[index] = kept
        if self.target_mask is not None:
            self.target_mask = self.target_mask.index_select(0, active)
        self.active = None


def _padding(lengths: Tensor) -> Tensor | None:
    longest = int(lengths.max())
    if int(lengths.min()) == longest:
        return None
    padded = torch.arange(longest) >= lengths[:, None]
    return torch.zeros(padded.shape).masked_fill_(padded, -torch.inf)[:, None, None, :]
