"""Decoding steps of a network that the engine runs on arrays."""

from collections.abc import Sequence
from typing import Any

import numpy
from numpy import float32, float64
from numpy.typing import NDArray

from patchword.errors import RecipeError
from patchword.text.options import SearchOptions
from patchword.text.steps import Flags, Ids, Values


class NativeSteps:
    """See `Steps`. It draws nothing: what is drawn comes from torch's generators.

    Args:
        network: an `engine.native_transformer.NativeTransformer`.
        source: ids (batch, source), padded at the end.
    """

    def __init__(self, network: Any, source: Ids) -> None:
        self.config: Any = network.config
        self._network = network
        self._state = network.start(network.encode(source))

    def likeliest(
        self, tokens: Ids, count: int, never: Sequence[int], renormalise: bool
    ) -> tuple[NDArray[float32], Ids]:
        """See `Steps.likeliest`."""
        found: tuple[NDArray[float32], Ids] = self._network.likeliest(tokens, self._state, count, never, renormalise)
        return found

    def likeliest_beside(
        self, tokens: Ids, wanted: Ids, count: int, never: Sequence[int], renormalise: bool
    ) -> tuple[NDArray[float32], Ids, Values]:
        """See `Steps.likeliest_beside`."""
        logits = self._network.logits(tokens, self._state)
        values, token = self._network.likeliest_of(logits, count, never, renormalise)
        rows = numpy.arange(len(logits))
        own, best = (logits[rows, ids].astype(float64) for ids in (numpy.maximum(wanted, 0), token[:, 0]))
        return values, token, own - best

    def drawn(
        self, tokens: Ids, options: SearchOptions, last: Flags, forced: Ids | None, sentences: Ids
    ) -> tuple[Values, Ids]:
        """See `Steps.drawn`; a RecipeError, since nothing is drawn here."""
        raise RecipeError("method sample draws with torch's generators; load the model with patchword.load")

    def select(self, sentences: Ids | None, parents: Ids) -> None:
        """See `Steps.select`."""
        self._state.select(sentences, parents)
