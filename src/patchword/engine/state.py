"""What the packed decoder remembers: keys and values that are written once and never moved by beam search."""

from typing import Any

import numpy
from numpy import int64
from numpy.typing import NDArray

from patchword.engine.memory import LARGE_PAGES

# What is remembered is copied when this share of the sentences is left; until then finished ones are decoded in vain.
PACK_BELOW = 0.6
GROWTH = 16  # target positions that room is made for at a time


Ids = NDArray[int64]


class TranslationState:
    """Everything that one decoding step hands to the next, in arrays of numpy's.

    Beam search reorders hypotheses at every step. Instead of moving keys and values, a table remembers which of a
    position's entries, one a hypothesis, is the past of which hypothesis.

    Attributes:
        source: every layer's keys and values of the source, (layers, 2, slots, heads, source, head_size): float32, or
            bfloat16's bits as uint16.
        counts: source tokens of every sentence, (slots,).
        target: the target's of each layer, (2, slots, heads, positions * beam, head_size): the entries of one position
            lie together, one a hypothesis. Without room before the first step; a layer after the other is given more.
        past: the hypothesis that wrote a position, (slots * beam, positions); None for one beam.
        length: target positions decoded so far.
        beam: hypotheses a sentence; 0 before the first step.
        arguments: where a kernel finds all this; None until it is asked for, and after an array was exchanged.
        places: the addresses of `target` in it, (layers,).

    A slot is a sentence's place in these arrays. `active` are the slots of the sentences that are still decoded, in
    their order, or None if that is all of them.

    Args:
        source: see above.
        lengths: source tokens of every sentence, (slots,).
    """

    def __init__(self, source: NDArray[Any], lengths: Ids) -> None:
        self.source = source
        self.counts = lengths
        self.target: list[NDArray[Any]] = [layer[:, :, :, :0] for layer in source]
        self.past: Ids | None = None
        self.length = 0
        self.beam = 0
        self.active: Ids | None = None
        self.arguments: Any | None = None
        self.places: Ids | None = None

    @property
    def slots(self) -> int:
        """Number of sentences that the arrays have room for."""
        return len(self.counts)

    @property
    def room(self) -> int:
        """Entries of the target that there is room for, of a sentence, layer and head."""
        return min((layer.shape[3] for layer in self.target), default=0)  # memory may have run out between two

    @property
    def sentences(self) -> int:
        """Number of sentences that are still being decoded."""
        return self.slots if self.active is None else len(self.active)

    def reserve(self, beam: int) -> None:
        """Make room for the next position of `beam` hypotheses a sentence."""
        self.beam = self.beam or beam
        if beam != self.beam:
            raise ValueError(f"{beam} hypotheses a sentence after steps with {self.beam}")
        if (self.length + 1) * beam <= self.room:
            return
        positions = self.length + GROWTH
        self.arguments = None
        if beam > 1:
            # Until it is reordered, a hypothesis's past is what it writes itself.
            past = numpy.tile(numpy.arange(beam, dtype=int64), self.slots)[:, None].repeat(positions, 1)
            if self.past is not None:
                past[:, : self.length] = self.past[:, : self.length]
            self.past = past
        for layer, known in enumerate(self.target):
            grown = LARGE_PAGES.empty((*known.shape[:3], positions * beam, known.shape[4]), known.dtype)
            grown[:, :, :, : known.shape[3]] = known
            self.target[layer] = grown

    def select(self, sentences: Ids | None, parents: Ids) -> None:
        """Go on with some of the sentences and hypotheses only.

        Args:
            sentences: indices among the active sentences, (kept,); None keeps all.
            parents: rows of the last step that the next step's hypotheses continue, (kept * beam,); a row's parent is
                a row of the same sentence.
        """
        if sentences is not None:
            self.active = sentences if self.active is None else self.active[sentences]
        if self.past is not None:
            used = self.past[:, : self.length]
            if self.active is None:
                used[:] = used[parents]
            else:
                first = self.active[:, None] * self.beam
                rows = (first + numpy.arange(self.beam)).ravel()
                used[rows] = used[(first + (parents % self.beam).reshape(-1, self.beam)).ravel()]
        if self.active is not None and len(self.active) <= PACK_BELOW * self.slots:
            self._pack(self.active)

    def _pack(self, active: Ids) -> None:
        """Give the memory of finished sentences back."""
        self.arguments = None
        self.counts = self.counts[active]
        longest = int(self.counts.max())
        self.source = numpy.ascontiguousarray(self.source[:, :, active, :, :longest])
        used = self.length * self.beam
        for layer, known in enumerate(self.target):
            kept = LARGE_PAGES.empty((2, len(active), *known.shape[2:]), known.dtype)
            kept[:, :, :, :used] = known[:, active, :, :used]
            self.target[layer] = kept
        if self.past is not None:
            self.past = self.past.reshape(-1, self.beam, self.past.shape[1])[active].reshape(-1, self.past.shape[1])
        self.active = None
