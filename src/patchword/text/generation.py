"""One search of a batch, by whatever network."""

from collections.abc import Callable, Sequence

import numpy
from numpy import int64

from patchword.text.beam import beam_search
from patchword.text.beam_record import BeamRecord
from patchword.text.following import Following
from patchword.text.hypothesis import Hypothesis
from patchword.text.one_token import one_token_at_a_time
from patchword.text.options import SearchOptions
from patchword.text.prefix import Forced
from patchword.text.steps import Steps


def generate(
    begin: Callable[[list[int]], Steps],
    limits: Sequence[int],
    options: SearchOptions,
    *,
    prefixes: Sequence[Sequence[int]] | None = None,
    following: Following | None = None,
    record: BeamRecord | None = None,
) -> list[list[Hypothesis]]:
    """Decode a batch.

    Args:
        begin: encodes some of the batch's sentences, in order, and begins to decode them.
        limits: most tokens that a hypothesis of each sentence may have.
        options: how to search.
        prefixes: ids that each sentence's hypotheses begin with: fewer than its limit, and no special ones.
        following: is told what is settled, and asked before every step which sentences are still wanted.
        record: receives what is weighed; for a batch of one sentence.

    Returns:
        for each sentence, in order, its hypotheses, best first; none of a sentence that is no longer wanted.

    Raises:
        NotFiniteError: if the network's logits are infinite or not numbers.
    """
    assert record is None or len(limits) == 1
    found: list[list[Hypothesis]] = [[] for _ in limits]
    wanted = list(range(len(limits)))
    if following is not None:
        wanted = [sentence for sentence in wanted if following.wanted(sentence)]
        following = following.only(wanted)
    if not wanted:
        return found
    forced = Forced([prefixes[sentence] for sentence in wanted] if prefixes else [])
    most = numpy.array([limits[sentence] for sentence in wanted], dtype=int64)
    kind = beam_search if options.method == "beam" and options.beam > 1 else one_token_at_a_time
    answers = kind(begin(wanted), most, options, forced, following, record)
    for sentence, hypotheses in zip(wanted, answers, strict=True):
        found[sentence] = hypotheses
    if record is not None and found[0]:
        record.mark_best(found[0][0].tokens)
    return found
