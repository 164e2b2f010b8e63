"""Step-by-step generation: greedy, beam search and sampling, until the end token or the length limit."""

from typing import Any, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from patchword.config import Config
from patchword.models.sequence import SequenceToSequence
from patchword.text.beam import beam_search
from patchword.text.hypothesis import Hypothesis, length_penalty
from patchword.text.sampling import choose_token


class SearchOptions(Config):
    """How to search; the defaults are the paper's (Vaswani et al. 2017, section 6.1).

    Attributes:
        method: "beam", "greedy" or "sample".
        beam: hypotheses kept a sentence.
        length_penalty: alpha in ((5 + length) / 6) ** alpha, which divides a hypothesis's log-probability.
        max_extra: the limit is the source's length plus this, in tokens.
        max_length: a limit in tokens whatever the source; None for none.
        n_best: hypotheses returned a sentence; at most `beam` for beam search, 1 for greedy.
        temperature: for sampling; below 1 sharpens.
        top_k: sample from the k likeliest tokens; 0 for all.
        top_p: sample from the smallest set of tokens with at least this probability (Holtzman et al. 2020).
        seed: of the sampling.
    """

    method: Literal["beam", "greedy", "sample"] = "beam"
    beam: int = Field(4, ge=1)
    length_penalty: float = Field(0.6, ge=0)
    max_extra: int = Field(50, ge=0)
    max_length: int | None = Field(None, ge=1)
    n_best: int = Field(1, ge=1)
    temperature: float = Field(1.0, gt=0)
    top_k: int = Field(0, ge=0)
    top_p: float = Field(1.0, gt=0, le=1)
    seed: int = 1

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.method == "beam" and self.n_best > self.beam:
            raise ValueError(f"n_best {self.n_best} is more than the beam's {self.beam} hypotheses")
        if self.method == "greedy" and self.n_best > 1:
            raise ValueError("greedy search has one hypothesis; use beam or sample for n_best")
        return self


@torch.inference_mode()
def search(model: SequenceToSequence, source: Tensor, options: SearchOptions) -> list[list[Hypothesis]]:
    """Decode a batch.

    Args:
        model: in evaluation mode.
        source: ids (batch, source), padded at the end with the model's pad_id.
        options: how to search.

    Returns:
        for each sentence, in order, its hypotheses, best first.
    """
    limits = (source != model.config.pad_id).sum(1) + options.max_extra
    if options.max_length is not None:
        limits = limits.clamp(max=options.max_length)
    if options.method == "beam" and options.beam > 1:
        return beam_search(model, source, limits, options.beam, options.length_penalty, options.n_best)
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
    score = torch.zeros(sentences, samples, device=source.device)
    done = torch.zeros(sentences, samples, dtype=torch.bool, device=source.device)
    history = torch.full((sentences, samples, int(limits.max())), config.pad_id, dtype=torch.long, device=source.device)
    step = 0
    while alive.numel():
        logits, state = model.decode_step(tokens, state)
        logits[:, [config.pad_id, config.bos_id]] = -torch.inf
        log_probability = logits.float().log_softmax(-1)
        if options.method == "sample":
            chosen = choose_token(log_probability, options.temperature, options.top_k, options.top_p, generator)
        else:
            chosen = log_probability.argmax(-1)
        gained = log_probability.gather(1, chosen[:, None]).view(-1, samples)
        chosen = chosen.view(-1, samples)
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
    return [_ranked(history[i], score[i], config, options.length_penalty) for i in range(sentences)]


def _ranked(history: Tensor, score: Tensor, config: Any, alpha: float) -> list[Hypothesis]:
    hypotheses = []
    for row, log_probability in zip(history.tolist(), score.tolist(), strict=True):
        length = row.index(config.eos_id) + 1 if config.eos_id in row else len([t for t in row if t != config.pad_id])
        tokens = tuple(row[:length])
        hypotheses.append(Hypothesis(tokens, log_probability, log_probability / length_penalty(length, alpha)))
    return sorted(hypotheses, key=lambda h: -h.score)
