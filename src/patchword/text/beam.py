"""Beam search with a length penalty (Wu et al. 2016, section 7; Vaswani et al. 2017, section 6.1)."""

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from patchword.errors import NotFiniteError
from patchword.models.contracts import SequenceToSequence
from patchword.text.beam_record import BeamRecord
from patchword.text.following import Following
from patchword.text.hypothesis import Hypothesis
from patchword.text.likeliest import likeliest
from patchword.text.options import SearchOptions
from patchword.text.prefix import Forced


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
    model: SequenceToSequence,
    source: Tensor,
    limits: Tensor,
    options: SearchOptions,
    forced: Forced,
    following: Following | None = None,
    record: BeamRecord | None = None,
) -> list[list[Hypothesis]]:
    """Keep the `beam` likeliest unfinished hypotheses of every sentence at every step.

    A sentence ends when `SearchOptions.early_stopping` says so, or at its limit, where the live ones count as they
    are. It then leaves the batch.

    Args:
        model: in evaluation mode.
        source: ids (batch, source), padded at the end.
        limits: most tokens a hypothesis may have, (batch,).
        options: how to search.
        forced: what the hypotheses begin with; meanwhile a sentence has one.
        following: see `search`, as `record`.

    Returns:
        for each sentence its n_best hypotheses, best first; none of one that is no longer wanted.

    Raises:
        NotFiniteError: if the model's logits are infinite or not numbers.
    """
    beam = options.beam
    config = model.config
    device = source.device
    sentences = [_Sentence(limit, options) for limit in limits.tolist()]
    alive = list(range(len(sentences)))
    count = min(2 * beam, config.target_vocab_size)
    state: Any = model.start(model.encode(source), source)
    tokens = torch.full((len(alive) * beam,), config.bos_id, device=device)
    # At first all hypotheses of a sentence are the same, so only one of them may be continued.
    scores = torch.full((len(alive), beam), -torch.inf, dtype=torch.float64, device=device)
    scores[:, 0] = 0.0
    history = torch.empty(len(alive), beam, 0, dtype=torch.long, device=device)
    while alive:
        # 2 * beam candidates always hold `beam` that do not end here.
        last = (limits == history.size(2) + 1) & options.forced_end
        must = forced.at(history.size(2), alive)
        log_probability, found, state = likeliest(model, tokens, state, count, options.renormalise, last, must)
        candidates = log_probability.view(len(alive), beam, count) + scores[:, :, None]
        top, index = candidates.flatten(1).topk(min(2 * beam, beam * count), dim=1)
        parent, token = index // count, found.view(len(alive), -1).gather(1, index)
        ended = token == config.eos_id
        for row, rank in ended[:, :beam].nonzero().tolist():
            if top[row, rank] > -torch.inf:
                prefix = history[row, parent[row, rank]].tolist()
                sentences[alive[row]].add([*prefix, config.eos_id], top[row, rank].item())
        # A stable sort by "ended" puts the best live candidates first, still in order of their scores.
        keep = ended.int().sort(dim=1, stable=True).indices[:, :beam]
        if record is not None:
            gained = log_probability.view(len(alive), -1).gather(1, index)
            _note(record, parent[0], token[0], gained[0], top[0], ended[0], keep[0])
        scores = top.gather(1, keep).masked_fill(ended.gather(1, keep), -torch.inf)
        parent, token = parent.gather(1, keep), token.gather(1, keep)
        history = torch.cat(
            [history.gather(1, parent[:, :, None].expand(-1, -1, history.size(2))), token[:, :, None]], 2
        )
        length = history.size(2)
        going = []
        for row, (index_of, live) in enumerate(zip(alive, scores.tolist(), strict=True)):
            sentence = sentences[index_of]
            if math.isnan(live[0]):  # topk puts it first
                raise NotFiniteError.of_logits(length)
            if length >= sentence.limit:
                for rank, score in enumerate(live):
                    if score > -torch.inf:
                        sentence.add(history[row, rank].tolist(), score)
                if record is not None:
                    record.end_live()
            elif not sentence.is_done(live[0], length):
                going.append(row)
        if following is not None:
            going = _told(following, sentences, alive, going, scores, history)
        rows = torch.arange(len(alive), device=device)[:, None] * beam + parent
        if len(going) < len(alive):
            kept = torch.tensor(going, dtype=torch.long, device=device)
            alive = [alive[row] for row in going]
            scores, history, token, rows, limits = scores[kept], history[kept], token[kept], rows[kept], limits[kept]
            if alive:
                state.select(kept, rows.flatten())
        else:
            state.select(None, rows.flatten())
        tokens = token.flatten()
    return [sentence.best(options.n_best) for sentence in sentences]


def _note(
    record: BeamRecord, parent: Tensor, token: Tensor, gained: Tensor, top: Tensor, ended: Tensor, keep: Tensor
) -> None:
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
    scores: Tensor,
    history: Tensor,
) -> list[int]:
    """Tell how far the sentences are; those of `going` that are still wanted."""
    kept = []
    stay = set(going)
    for row, index in enumerate(alive):
        sentence = sentences[index]
        if row not in stay:
            following.ended(index, sentence.best(1)[0].tokens)
            continue
        live = scores[row].tolist()
        ranks = [rank for rank, score in enumerate(live) if score > -math.inf and sentence.can_win(score)]
        following.agreed(index, history[row, ranks].tolist(), sentence.best(1)[0] if sentence.finished else None)
        if following.wanted(index):
            kept.append(row)
        else:
            sentence.finished.clear()
    return kept
