"""Beam search with a length penalty (Wu et al. 2016, section 7; Vaswani et al. 2017, section 6.1)."""

import math
from dataclasses import dataclass, field

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


@dataclass
class _Sentence:
    """A sentence's finished hypotheses while its search goes on."""

    limit: int
    options: SearchOptions
    finished: list[Hypothesis] = field(default_factory=list)

    def add(self, tokens: list[int], log_probability: float) -> None:
        score = log_probability / self.options.penalty(len(tokens))
        self.finished.append(Hypothesis(tuple(tokens), log_probability, score))

    def is_done(self, best_live: float, length: int) -> bool:
        """Whether to stop before the limit.

        With early stopping also when going on cannot change the n best: log-probabilities only fall, and the penalty
        divides by at most its value at the limit; so no continuation of a live hypothesis scores more than
        best_live / penalty(limit).

        Args:
            best_live: log-probability of the best live hypothesis.
            length: its number of tokens.
        """
        options = self.options
        enough = len(self.finished) >= options.beam
        if not options.early_stopping:
            return enough and self._worst(options.beam) >= best_live / options.penalty(length)
        if enough:
            return True
        if len(self.finished) < options.n_best:
            return False
        return self._worst(options.n_best) >= best_live / options.penalty(self.limit)

    def can_win(self, log_probability: float) -> bool:
        """Whether a live hypothesis may still become better than every finished one."""
        return not self.finished or log_probability / self.options.penalty(self.limit) > self._worst(1)

    def best(self, n_best: int) -> list[Hypothesis]:
        return sorted(self.finished, key=lambda h: -h.score)[:n_best]

    def _worst(self, count: int) -> float:
        return self.best(count)[-1].score


def beam_search(
    steps: Steps,
    limits: Ids,
    options: SearchOptions,
    forced: Forced,
    following: Following | None = None,
    record: BeamRecord | None = None,
) -> list[list[Hypothesis]]:
    """Keep the `beam` likeliest unfinished hypotheses of every sentence at every step.

    A sentence ends when `SearchOptions.early_stopping` says so, or at its limit, where the live ones count as they
    are. It then leaves the batch.

    Args:
        steps: of the batch, before its first.
        limits: most tokens a hypothesis may have, (batch,).
        options: how to search.
        forced: what the hypotheses begin with; meanwhile a sentence has one.
        following: see `generate`, as `record`.

    Returns:
        for each sentence its n_best hypotheses, best first; none of one that is no longer wanted.

    Raises:
        NotFiniteError: if the network's logits are infinite or not numbers.
    """
    beam = options.beam
    config = steps.config
    sentences = [_Sentence(limit, options) for limit in limits.tolist()]
    alive = list(range(len(sentences)))
    count = min(2 * beam, config.target_vocab_size)
    tokens = numpy.full(len(alive) * beam, config.bos_id, dtype=int64)
    # At first all hypotheses of a sentence are the same, so only one of them may be continued.
    scores = numpy.full((len(alive), beam), -numpy.inf, dtype=float64)
    scores[:, 0] = 0.0
    history = numpy.empty((len(alive), beam, 0), dtype=int64)
    while alive:
        rows = numpy.arange(len(alive))[:, None]
        last = (limits == history.shape[2] + 1) & options.forced_end
        must = forced.at(history.shape[2], alive)
        log_probability, found = likeliest(steps, tokens, count, options.renormalise, last, must)
        if numpy.isnan(log_probability).any():
            raise NotFiniteError.of_logits(history.shape[2] + 1)
        candidates = (log_probability.reshape(len(alive), beam, count) + scores[:, :, None]).reshape(len(alive), -1)
        index = largest(candidates, min(2 * beam, beam * count))
        top, parent, token = candidates[rows, index], index // count, found.reshape(len(alive), -1)[rows, index]
        ended = token == config.eos_id
        for row, rank in zip(*ended[:, :beam].nonzero(), strict=True):
            if top[row, rank] > -numpy.inf:
                prefix = history[row, parent[row, rank]].tolist()
                sentences[alive[row]].add([*prefix, config.eos_id], float(top[row, rank]))
        # A stable sort by "ended" puts the best live candidates first, still in order of their scores.
        keep = ended.argsort(axis=1, kind="stable")[:, :beam]
        if record is not None:
            gained = log_probability.reshape(len(alive), -1)[rows, index]
            _note(record, parent[0], token[0], gained[0], top[0], ended[0], keep[0])
        scores = numpy.where(ended[rows, keep], -numpy.inf, top[rows, keep])
        parent, token = parent[rows, keep], token[rows, keep]
        history = numpy.concatenate([history[rows, parent], token[:, :, None]], 2)
        length = history.shape[2]
        going = []
        for row, (index_of, live) in enumerate(zip(alive, scores.tolist(), strict=True)):
            sentence = sentences[index_of]
            if length >= sentence.limit:
                for rank, score in enumerate(live):
                    if score > -math.inf:
                        sentence.add(history[row, rank].tolist(), score)
                if record is not None:
                    record.end_live()
            elif not sentence.is_done(live[0], length):
                going.append(row)
        if following is not None:
            going = _told(following, sentences, alive, going, scores, history)
        parents = rows * beam + parent
        if len(going) < len(alive):
            kept = numpy.array(going, dtype=int64)
            alive = [alive[row] for row in going]
            scores, history, token, limits = scores[kept], history[kept], token[kept], limits[kept]
            if alive:
                steps.select(kept, parents[kept].ravel())
        else:
            steps.select(None, parents.ravel())
        tokens = token.ravel()
    return [sentence.best(options.n_best) for sentence in sentences]


def largest(values: Values, count: int) -> Ids:
    """Where a row's largest values are, (rows, count), the largest first; of equal ones any may be left out."""
    if 8 * count >= values.shape[1]:
        return (-values).argsort(axis=1, kind="stable")[:, :count]
    some = numpy.sort(values.argpartition(-count, axis=1)[:, -count:], axis=1)
    order = (-numpy.take_along_axis(values, some, 1)).argsort(axis=1, kind="stable")
    return numpy.take_along_axis(some, order, 1)


def _note(record: BeamRecord, parent: Ids, token: Ids, gained: Values, top: Values, ended: Flags, keep: Ids) -> None:
    """One step of one sentence, for a record."""
    ends = ended.tolist()
    # Where too few go on, the sort fills the beam up with candidates that end, which nothing continues.
    kept = [-1 if ends[rank] else rank for rank in keep.tolist()]
    finished = [rank for rank in range(len(kept)) if ends[rank]]
    record.add(parent.tolist(), token.tolist(), gained.tolist(), top.tolist(), finished, kept)


def _told(
    following: Following,
    sentences: list[_Sentence],
    alive: list[int],
    going: list[int],
    scores: Values,
    history: Ids,
) -> list[int]:
    """Tell how far the sentences are; those of `going` that are still wanted."""
    kept = []
    stay = set(going)
    for row, index in enumerate(alive):
        sentence = sentences[index]
        if row not in stay:
            following.ended(index, sentence.best(1)[0].tokens)
            continue
        if following.listens(index):
            live = scores[row].tolist()
            ranks = [rank for rank, score in enumerate(live) if score > -math.inf and sentence.can_win(score)]
            following.agreed(index, history[row, ranks].tolist(), sentence.best(1)[0] if sentence.finished else None)
        if following.wanted(index):
            kept.append(row)
        else:
            sentence.finished.clear()
    return kept
