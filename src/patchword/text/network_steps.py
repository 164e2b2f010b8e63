"""Decoding steps of a network of torch's, on any device."""

from collections.abc import Sequence
from typing import Any

import numpy
import torch
from numpy import float32
from numpy.typing import NDArray
from torch import Tensor

from patchword.models.contracts import SequenceToSequence
from patchword.text.options import SearchOptions
from patchword.text.sampling import choose_token, next_log_probabilities
from patchword.text.steps import Flags, Ids, Values


class NetworkSteps:
    """See `Steps`.

    Args:
        model: in evaluation mode.
        source: ids (batch, source), padded at the end.
        options: how the search draws, if it does.
    """

    def __init__(self, model: SequenceToSequence, source: Tensor, options: SearchOptions) -> None:
        self.config: Any = model.config
        self._model, self._device = model, source.device
        self._state: Any = model.start(model.encode(source), source)
        drawing = options.method == "sample"
        # A sentence's draws are its own, whatever is decoded beside it.
        self._draws = [torch.Generator().manual_seed(options.seed) for _ in source] if drawing else []

    def likeliest(
        self, tokens: Ids, count: int, never: Sequence[int], renormalise: bool
    ) -> tuple[NDArray[float32], Ids]:
        """See `Steps.likeliest`."""
        (values, token), self._state = self._model.likeliest(
            self._tensor(tokens), self._state, count, never, renormalise
        )
        return values.cpu().numpy(), token.cpu().numpy()

    def likeliest_beside(
        self, tokens: Ids, wanted: Ids, count: int, never: Sequence[int], renormalise: bool
    ) -> tuple[NDArray[float32], Ids, Values]:
        """See `Steps.likeliest_beside`."""
        logits, self._state = self._model.decode_step(self._tensor(tokens), self._state)
        values, token = self._model.likeliest_of(logits, count, never, renormalise)
        ids = torch.stack([self._tensor(numpy.maximum(wanted, 0)), token[:, 0]], 1)
        own, best = logits.gather(1, ids).cpu().double().unbind(1)
        return values.cpu().numpy(), token.cpu().numpy(), (own - best).numpy()

    def drawn(
        self, tokens: Ids, options: SearchOptions, last: Flags, forced: Ids | None, sentences: Ids
    ) -> tuple[Values, Ids]:
        """See `Steps.drawn`."""
        logits, self._state = self._model.decode_step(self._tensor(tokens), self._state)
        probabilities = next_log_probabilities(logits, self.config, options.renormalise, self._tensor(last))
        own = [self._draws[sentence] for sentence in sentences.tolist()]
        chosen = choose_token(probabilities, options.temperature, options.top_k, options.top_p, own)
        if forced is not None:
            each = self._tensor(forced.repeat(len(tokens) // len(forced)))
            chosen = torch.where(each >= 0, each, chosen)
        gained = probabilities.gather(1, chosen[:, None])[:, 0]
        return gained.cpu().double().numpy(), chosen.cpu().numpy()

    def select(self, sentences: Ids | None, parents: Ids) -> None:
        """See `Steps.select`."""
        self._state.select(None if sentences is None else self._tensor(sentences), self._tensor(parents))

    def _tensor(self, values: NDArray[Any]) -> Tensor:
        return torch.from_numpy(values).to(self._device)
