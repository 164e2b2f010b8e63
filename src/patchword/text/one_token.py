"""Greedy search and sampling: every hypothesis goes its own way."""

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
from patchword.text.sampling import choose_token, next_log_probabilities

GROWTH = 64  # positions that room is made for at first; it doubles when it is full


def one_token_at_a_time(
    model: SequenceToSequence,
    source: Tensor,
    limits: Tensor,
    options: SearchOptions,
    forced: Forced,
    following: Following | None = None,
    record: BeamRecord | None = None,
) -> list[list[Hypothesis]]:
    """Continue every hypothesis by the likeliest token, or by one that is drawn, until its end token or its limit.

    Args:
        model: in evaluation mode.
        source: ids (batch, source), padded at the end.
        limits: most tokens a hypothesis may have, (batch,).
        options: how to search.
        forced: what the hypotheses begin with.
        following: see `search`, as `record`.

    Returns:
        for each sentence its hypotheses, best first; none of one that is no longer wanted.

    Raises:
        NotFiniteError: if the model's logits are infinite or not numbers.
    """
    samples = options.n_best if options.method == "sample" else 1
    # A sentence's draws are its own, whatever is decoded beside it.
    draws = [torch.Generator().manual_seed(options.seed) for _ in limits] if options.method == "sample" else []
    config = model.config
    sentences = source.size(0)
    state: Any = model.start(model.encode(source), source)
    # Unfinished sentences keep all their samples' rows, so that a sentence's memory serves consecutive rows.
    alive = torch.arange(sentences, device=source.device)
    tokens = torch.full((sentences * samples,), config.bos_id, device=source.device)
    score = torch.zeros(sentences, samples, dtype=torch.float64, device=source.device)
    done = torch.zeros(sentences, samples, dtype=torch.bool, device=source.device)
    history = torch.full((sentences, samples, GROWTH), config.pad_id, dtype=torch.long, device=source.device)
    cancelled: set[int] = set()
    step = 0
    while alive.numel():
        if step == history.size(2):
            if not score.isfinite().all():
                raise NotFiniteError.of_logits(step)
            history = torch.cat([history, torch.full_like(history, config.pad_id)], 2)
        last = (limits[alive] == step + 1) & options.forced_end
        must = forced.at(step, alive)
        if options.method == "sample":
            logits, state = model.decode_step(tokens, state)
            log_probability = next_log_probabilities(logits, config, options.renormalise, last)
            own = [draws[sentence] for sentence in alive.tolist()]
            chosen = choose_token(log_probability, options.temperature, options.top_k, options.top_p, own)
            if must is not None:
                each = must.repeat_interleave(samples)
                chosen = torch.where(each >= 0, each, chosen)
            gained = log_probability.gather(1, chosen[:, None]).double()
        else:
            gained, chosen, state = likeliest(model, tokens, state, 1, options.renormalise, last, must)
        gained, chosen = gained.view(-1, samples), chosen.view(-1, samples)
        over = done[alive]
        history[alive, :, step] = chosen.masked_fill(over, config.pad_id)
        score[alive] += gained.masked_fill(over, 0.0)
        step += 1
        ends = over | (chosen == config.eos_id) | (step >= limits[alive])[:, None]
        if record is not None:
            _note(record, chosen[0], gained[0], score[alive][0].masked_fill(over[0], -torch.inf), ends[0])
        over = ends
        done[alive] = over
        going = (~over.all(1)).nonzero()[:, 0]
        if following is not None:
            going = _told(following, alive, going, history[:, 0, :step], samples, cancelled)
        if going.numel() < alive.numel():
            rows = (going[:, None] * samples + torch.arange(samples, device=going.device)).flatten()
            if going.numel():
                state.select(going, rows)
            alive, chosen = alive[going], chosen[going]
        tokens = chosen.flatten()
    if not score.isfinite().all():
        raise NotFiniteError.of_logits(step)
    ranked = [_ranked(history[i], score[i], config, options) for i in range(sentences)]
    if following is not None and samples > 1:
        for sentence, hypotheses in enumerate(ranked):
            if sentence not in cancelled:
                following.ended(sentence, hypotheses[0].tokens)
    return [[] if i in cancelled else hypotheses for i, hypotheses in enumerate(ranked)]


def _note(record: BeamRecord, chosen: Tensor, gained: Tensor, score: Tensor, ends: Tensor) -> None:
    """One step of one sentence, for a record; hypotheses that were over before have a score of -inf."""
    ranks = list(range(len(chosen)))
    finished = ends.nonzero()[:, 0].tolist()
    record.add(ranks, chosen.tolist(), gained.tolist(), score.tolist(), finished, ranks)


def _told(
    following: Following, alive: Tensor, going: Tensor, history: Tensor, samples: int, cancelled: set[int]
) -> Tensor:
    """Tell how far the sentences are, and leave those out of `going` that are no longer wanted."""
    kept = []
    stay = set(going.tolist())
    for row, sentence in enumerate(alive.tolist()):
        tell = following.settled if row in stay else following.ended
        if samples == 1:  # the best of several is known at the end alone
            tell(sentence, history[sentence].tolist())
        if row in stay:
            if following.wanted(sentence):
                kept.append(row)
            else:
                cancelled.add(sentence)
    return torch.tensor(kept, dtype=torch.long, device=going.device)


def _ranked(history: Tensor, score: Tensor, config: Any, options: SearchOptions) -> list[Hypothesis]:
    hypotheses = []
    for row, log_probability in zip(history.tolist(), score.tolist(), strict=True):
        length = row.index(config.eos_id) + 1 if config.eos_id in row else len([t for t in row if t != config.pad_id])
        tokens = tuple(row[:length])
        hypotheses.append(Hypothesis(tokens, log_probability, log_probability / options.penalty(length)))
    return sorted(hypotheses, key=lambda h: -h.score)
