"""Step-by-step generation: greedy, beam search and sampling, until the end token or the length limit."""

from typing import Any

import torch
from torch import Tensor

from patchword.errors import NotFiniteError
from patchword.models.contracts import SequenceToSequence
from patchword.text.beam import beam_search
from patchword.text.hypothesis import Hypothesis
from patchword.text.likeliest import likeliest
from patchword.text.options import MOST_TOKENS, SearchOptions
from patchword.text.sampling import choose_token, next_log_probabilities

__all__ = ["SearchOptions", "search"]

GROWTH = 64  # positions that room is made for at first; it doubles when it is full


@torch.inference_mode()
def search(model: SequenceToSequence, source: Tensor, options: SearchOptions) -> list[list[Hypothesis]]:
    """Decode a batch.

    Args:
        model: in evaluation mode.
        source: ids (batch, source), padded at the end with the model's pad_id.
        options: how to search.

    Returns:
        for each sentence, in order, its hypotheses, best first.

    Raises:
        NotFiniteError: if the model's logits are infinite or not numbers.
    """
    most = min(MOST_TOKENS, model.config.longest or MOST_TOKENS)
    extra = most if options.max_extra is None else min(options.max_extra, most)
    limits = (source != model.config.pad_id).sum(1) + extra
    limits = limits.clamp(max=min(most, options.max_length or most))
    if options.method == "beam" and options.beam > 1:
        return beam_search(model, source, limits, options)
    return _one_token_at_a_time(model, source, limits, options)


def _one_token_at_a_time(
    model: SequenceToSequence, source: Tensor, limits: Tensor, options: SearchOptions
) -> list[list[Hypothesis]]:
    """Greedy search and sampling: every row goes its own way until its end token or its limit."""
    samples = options.n_best if options.method == "sample" else 1
    generator = torch.Generator(source.device).manual_seed(options.seed)
    config = model.config
    sentences = source.size(0)
    state: Any = model.start(model.encode(source), source)
    # Unfinished sentences keep all their samples' rows, so that a sentence's memory serves consecutive rows.
    alive = torch.arange(sentences, device=source.device)
    tokens = torch.full((sentences * samples,), config.bos_id, device=source.device)
    score = torch.zeros(sentences, samples, dtype=torch.float64, device=source.device)
    done = torch.zeros(sentences, samples, dtype=torch.bool, device=source.device)
    history = torch.full((sentences, samples, GROWTH), config.pad_id, dtype=torch.long, device=source.device)
    step = 0
    while alive.numel():
        if step == history.size(2):
            if not score.isfinite().all():
                raise NotFiniteError.of_logits(step)
            history = torch.cat([history, torch.full_like(history, config.pad_id)], 2)
        last = (limits[alive] == step + 1) & options.forced_end
        if options.method == "sample":
            logits, state = model.decode_step(tokens, state)
            log_probability = next_log_probabilities(logits, config, options.renormalise, last)
            chosen = choose_token(log_probability, options.temperature, options.top_k, options.top_p, generator)
            gained = log_probability.gather(1, chosen[:, None]).double()
        else:
            gained, chosen, state = likeliest(model, tokens, state, 1, options.renormalise, last)
        gained, chosen = gained.view(-1, samples), chosen.view(-1, samples)
        over = done[alive]
        history[alive, :, step] = chosen.masked_fill(over, config.pad_id)
        score[alive] += gained.masked_fill(over, 0.0)
        step += 1
        over = over | (chosen == config.eos_id) | (step >= limits[alive])[:, None]
        done[alive] = over
        going = (~over.all(1)).nonzero()[:, 0]
        if going.numel() < alive.numel():
            rows = (going[:, None] * samples + torch.arange(samples, device=going.device)).flatten()
            if going.numel():
                state.select(going, rows)
            alive, chosen = alive[going], chosen[going]
        tokens = chosen.flatten()
    if not score.isfinite().all():
        raise NotFiniteError.of_logits(step)
    return [_ranked(history[i], score[i], config, options) for i in range(sentences)]


def _ranked(history: Tensor, score: Tensor, config: Any, options: SearchOptions) -> list[Hypothesis]:
    hypotheses = []
    for row, log_probability in zip(history.tolist(), score.tolist(), strict=True):
        length = row.index(config.eos_id) + 1 if config.eos_id in row else len([t for t in row if t != config.pad_id])
        tokens = tuple(row[:length])
        hypotheses.append(Hypothesis(tokens, log_probability, log_probability / options.penalty(length)))
    return sorted(hypotheses, key=lambda h: -h.score)
