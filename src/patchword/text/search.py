"""Step-by-step generation: greedy, beam search and sampling, until the end token or the length limit."""

from collections.abc import Sequence

import torch
from torch import Tensor

from patchword.models.contracts import SequenceToSequence
from patchword.text.beam import beam_search
from patchword.text.beam_record import BeamRecord
from patchword.text.following import Following
from patchword.text.hypothesis import Hypothesis
from patchword.text.one_token import one_token_at_a_time
from patchword.text.options import SearchOptions
from patchword.text.prefix import Forced

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
    """Decode a batch.

    Args:
        model: in evaluation mode.
        source: ids (batch, source), padded at the end with the model's pad_id.
        options: how to search.
        prefixes: ids that each sentence's hypotheses begin with: fewer than its limit, and no special ones.
        following: is told what is settled, and asked before every step which sentences are still wanted.
        record: receives what is weighed; for a batch of one sentence.

    Returns:
        for each sentence, in order, its hypotheses, best first; none of a sentence that is no longer wanted.

    Raises:
        NotFiniteError: if the model's logits are infinite or not numbers.
    """
    assert record is None or source.size(0) == 1
    found: list[list[Hypothesis]] = [[] for _ in range(source.size(0))]
    wanted = list(range(source.size(0)))
    if following is not None:
        wanted = [sentence for sentence in wanted if following.wanted(sentence)]
        following = following.only(wanted)
    if len(wanted) < source.size(0):
        source, prefixes = source[wanted], prefixes and [prefixes[sentence] for sentence in wanted]
    if not wanted:
        return found
    lengths = (source != model.config.pad_id).sum(1).tolist()
    limits = torch.tensor([options.limit(length, model.config.longest) for length in lengths], device=source.device)
    forced = Forced(prefixes or [], source.device)
    kind = beam_search if options.method == "beam" and options.beam > 1 else one_token_at_a_time
    for sentence, hypotheses in zip(
        wanted, kind(model, source, limits, options, forced, following, record), strict=True
    ):
        found[sentence] = hypotheses
    if record is not None and found[0]:
        record.mark_best(found[0][0].tokens)
    return found
