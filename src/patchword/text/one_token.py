"""Greedy search and sampling: every hypothesis goes its own way."""

from typing import Any

import numpy
from numpy import float64, int64

from patchword.errors import NotFiniteError
from patchword.text.beam_record import BeamRecord
from patchword.text.following import Following
from patchword.text.hypothesis import Hypothesis
from patchword.text.likeliest import likeliest
from patchword.text.options import SearchOptions
from patchword.text.prefix import Forced
from patchword.text.steps import Flags, Ids, Steps, Values

GROWTH = 64  # positions that room is made for at first; it doubles when it is full


def one_token_at_a_time(
    steps: Steps,
    limits: Ids,
    options: SearchOptions,
    forced: Forced,
    following: Following | None = None,
    record: BeamRecord | None = None,
) -> list[list[Hypothesis]]:
    """Continue every hypothesis by the likeliest token, or by one that is drawn, until its end token or its limit.

    Args:
        steps: of the batch, before its first.
        limits: most tokens a hypothesis may have, (batch,).
        options: how to search.
        forced: what the hypotheses begin with.
        following: see `generate`, as `record`.

    Returns:
        for each sentence its hypotheses, best first; none of one that is no longer wanted.

    Raises:
        NotFiniteError: if the network's logits are infinite or not numbers.
    """
    samples = options.n_best if options.method == "sample" else 1
    config = steps.config
    sentences = len(limits)
    # Unfinished sentences keep all their samples' rows, so that a sentence's memory serves consecutive rows.
    alive = numpy.arange(sentences, dtype=int64)
    tokens = numpy.full(sentences * samples, config.bos_id, dtype=int64)
    score = numpy.zeros((sentences, samples), dtype=float64)
    done = numpy.zeros((sentences, samples), dtype=bool)
    history = numpy.full((sentences, samples, GROWTH), config.pad_id, dtype=int64)
    cancelled: set[int] = set()
    step = 0
    while len(alive):
        if step == history.shape[2]:
            if not numpy.isfinite(score).all():
                raise NotFiniteError.of_logits(step)
            history = numpy.concatenate([history, numpy.full_like(history, config.pad_id)], 2)
        last = (limits[alive] == step + 1) & options.forced_end
        must = forced.at(step, alive)
        if options.method == "sample":
            gained, chosen = steps.drawn(tokens, options, last, must, alive)
        else:
            gained, chosen = likeliest(steps, tokens, 1, options.renormalise, last, must)
        gained, chosen = gained.reshape(-1, samples), chosen.reshape(-1, samples)
        over = done[alive]
        history[alive, :, step] = numpy.where(over, config.pad_id, chosen)
        score[alive] += numpy.where(over, 0.0, gained)
        step += 1
        ends = over | (chosen == config.eos_id) | (step >= limits[alive])[:, None]
        if record is not None:
            _note(record, chosen[0], gained[0], numpy.where(over, -numpy.inf, score[alive])[0], ends[0])
        done[alive] = ends
        going = (~ends.all(1)).nonzero()[0]
        if following is not None:
            going = _told(following, alive, going, history[:, 0, :step], samples, cancelled)
        if len(going) < len(alive):
            if len(going):
                steps.select(going, (going[:, None] * samples + numpy.arange(samples)).ravel())
            alive, chosen = alive[going], chosen[going]
        tokens = chosen.ravel()
    if not numpy.isfinite(score).all():
        raise NotFiniteError.of_logits(step)
    ranked = [_ranked(history[i], score[i], config, options) for i in range(sentences)]
    if following is not None and samples > 1:
        for sentence, hypotheses in enumerate(ranked):
            if sentence not in cancelled:
                following.ended(sentence, hypotheses[0].tokens)
    return [[] if i in cancelled else hypotheses for i, hypotheses in enumerate(ranked)]


def _note(record: BeamRecord, chosen: Ids, gained: Values, score: Values, ends: Flags) -> None:
    """One step of one sentence, for a record; hypotheses that were over before have a score of -inf."""
    ranks = list(range(len(chosen)))
    record.add(ranks, chosen.tolist(), gained.tolist(), score.tolist(), ends.nonzero()[0].tolist(), ranks)


def _told(following: Following, alive: Ids, going: Ids, history: Ids, samples: int, cancelled: set[int]) -> Ids:
    """Tell how far the sentences are, and leave those out of `going` that are no longer wanted."""
    kept = []
    stay = set(going.tolist())
    for row, sentence in enumerate(alive.tolist()):
        tell = following.settled if row in stay else following.ended
        if samples == 1 and following.listens(sentence):  # the best of several is known at the end alone
            tell(sentence, history[sentence].tolist())
        if row in stay:
            if following.wanted(sentence):
                kept.append(row)
            else:
                cancelled.add(sentence)
    return numpy.array(kept, dtype=int64)


def _ranked(history: Ids, score: Values, config: Any, options: SearchOptions) -> list[Hypothesis]:
    hypotheses = []
    for row, log_probability in zip(history.tolist(), score.tolist(), strict=True):
        length = row.index(config.eos_id) + 1 if config.eos_id in row else len([t for t in row if t != config.pad_id])
        tokens = tuple(row[:length])
        hypotheses.append(Hypothesis(tokens, log_probability, log_probability / options.penalty(length)))
    return sorted(hypotheses, key=lambda h: -h.score)
