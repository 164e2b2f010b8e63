"""Step-by-step generation: greedy, beam search and sampling, until the end token or the length limit."""

from collections.abc import Sequence

import torch
from torch import Tensor

from patchword.models.contracts import SequenceToSequence
from patchword.text.beam_record import BeamRecord
from patchword.text.following import Following
from patchword.text.generation import generate
from patchword.text.hypothesis import Hypothesis
from patchword.text.native_steps import NativeSteps
from patchword.text.network_steps import NetworkSteps
from patchword.text.options import SearchOptions
from patchword.text.steps import Steps

__all__ = ["SearchOptions", "search"]


@torch.inference_mode()
def search(
    model: SequenceToSequence,
    source: Tensor,
    options: SearchOptions,
    *,
    prefixes: Sequence[Sequence[int]] | None = None,
    following: Following | None = None,
    record: BeamRecord | None = None,
) -> list[list[Hypothesis]]:
    """Decode a batch with a network of torch's; see `generation.generate`.

    Args:
        model: in evaluation mode.
        source: ids (batch, source), padded at the end with the model's pad_id.
        options: how to search.
        prefixes: see `generate`, as `following`, `record` and what is returned and raised.
    """
    lengths = (source != model.config.pad_id).sum(1).tolist()

    native = None if options.method == "sample" else getattr(model, "native", None)

    def begin(wanted: list[int]) -> Steps:
        some = source if len(wanted) == len(lengths) else source[wanted]
        return NetworkSteps(model, some, options) if native is None else NativeSteps(native, some.numpy())

    limits = [options.limit(length, model.config.longest) for length in lengths]
    return generate(begin, limits, options, prefixes=prefixes, following=following, record=record)
