"""What step-by-step generation remembers, so that no prefix is read twice."""

from typing import NamedTuple

from torch import Tensor


class KeyValue(NamedTuple):
    """Projected keys and values, each (rows, heads, key, head_size).

    Cross-attention projects the memory once a sentence; every later step attends to this.
    """

    key: Tensor
    value: Tensor

    def select(self, rows: Tensor) -> "KeyValue":
        """Keep the given rows, in that order."""
        return KeyValue(self.key.index_select(0, rows), self.value.index_select(0, rows))


class KeyValueCache:
    """Keys and values of the target positions decoded so far, for one masked self-attention.

    The store doubles when it is full, so that a step writes one position and copies nothing else.
    """

    def __init__(self, capacity: int = 32) -> None:
        self.length = 0
        self._capacity = capacity
        self._store: Tensor | None = None

    def append(self, key: Tensor, value: Tensor) -> KeyValue:
        """Add new positions, each (rows, heads, new, head_size), and return all of them so far."""
        rows, heads, new, head_size = key.shape
        end = self.length + new
        if self._store is None or end > self._store.size(3):
            while self._capacity < end:
                self._capacity *= 2
            store = key.new_empty(2, rows, heads, self._capacity, head_size)
            if self._store is not None:
                store[:, :, :, : self.length] = self._store[:, :, :, : self.length]
            self._store = store
        self._store[0, :, :, self.length : end] = key
        self._store[1, :, :, self.length : end] = value
        self.length = end
        return KeyValue(self._store[0, :, :, :end], self._store[1, :, :, :end])

    def select(self, rows: Tensor) -> None:
        """Keep the given rows, in that order: beam search passes each hypothesis's parent."""
        if self._store is not None:
            kept = self._store[:, :, :, : self.length].index_select(1, rows)
            store = kept.new_empty(*kept.shape[:3], self._capacity, kept.size(4))
            store[:, :, :, : self.length] = kept
            self._store = store


class DecoderState:
    """Everything that one decoding step hands to the next: `sentences` x `beam` hypotheses.

    Args:
        memory: per decoder layer, the cross-attention keys and values, one row a sentence (never a row a beam).
        memory_mask: (sentences, 1, 1, source), True at real source tokens.
    """

    def __init__(self, memory: list[KeyValue], memory_mask: Tensor) -> None:
        self.memory = memory
        self.memory_mask = memory_mask
        self.caches = [KeyValueCache() for _ in memory]

    @property
    def length(self) -> int:
        """Number of target positions decoded so far."""
        return self.caches[0].length

    @property
    def sentences(self) -> int:
        """Number of sentences that are still being decoded."""
        return self.memory_mask.size(0)

    def select(self, sentences: Tensor | None, parents: Tensor) -> None:
        """Go on with some of the sentences and hypotheses only.

        Args:
            sentences: indices of the sentences to keep, (kept,); None keeps all, so their memory is not touched.
            parents: rows of the caches that the next step's hypotheses continue, (kept * beam,).
        """
        for cache in self.caches:
            cache.select(parents)
        if sentences is not None:
            self.memory = [key_value.select(sentences) for key_value in self.memory]
            self.memory_mask = self.memory_mask.index_select(0, sentences)
            used = self.memory_mask.flatten(0, 2).any(0).nonzero()  # padding may stand between tokens
            longest = int(used[-1]) + 1 if used.numel() else 0
            if longest < self.memory_mask.size(-1):
                self.memory_mask = self.memory_mask[..., :longest]
                self.memory = [KeyValue(key[:, :, :longest], value[:, :, :longest]) for key, value in self.memory]
