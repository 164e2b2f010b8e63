"""Search as published checkpoints ask for it, against plain code."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from patchword.errors import RecipeError
from patchword.models.transformer import Transformer
from patchword.text.hypothesis import length_penalty
from patchword.text.search import SearchOptions, search
from tests.text.test_search import BOS, EOS, PAD, random_model, sources


def log_probabilities(model: Transformer, source: Tensor, prefix: list[int], renormalise: bool) -> Tensor:
    logits = model(source[None], torch.tensor([[BOS, *prefix]]))[0, -1]
    values = logits.log_softmax(-1)
    values[[PAD, BOS]] = -torch.inf
    return values - values.logsumexp(-1) if renormalise else values


@torch.inference_mode()
def plain_beam(model: Transformer, source: Tensor, limit: int, options: SearchOptions) -> list[tuple[float, list[int]]]:
    """The beam search of transformers as a textbook would have it: the `beam` best finished hypotheses are kept, until
    the best live one, divided by its present length's penalty, is no better than the worst of them."""

    def penalty(length: int) -> float:
        return float(length**options.length_penalty)

    live: list[tuple[float, list[int]]] = [(0.0, [])]
    finished: list[tuple[float, list[int]]] = []
    for step in range(1, limit + 1):
        candidates = []
        for total, tokens in live:
            if step == limit:
                candidates.append((total, [*tokens, EOS]))
                continue
            values = log_probabilities(model, source, tokens, options.renormalise).tolist()
            candidates += [(total + value, [*tokens, i]) for i, value in enumerate(values) if value > -torch.inf]
        candidates.sort(key=lambda c: -c[0])
        finished += [(total / penalty(step), t) for total, t in candidates[: options.beam] if t[-1] == EOS]
        finished = sorted(finished, key=lambda f: -f[0])[: options.beam]
        live = [c for c in candidates if c[1][-1] != EOS][: options.beam]
        if len(finished) == options.beam and (
            options.early_stopping or not live or live[0][0] / penalty(step) <= finished[-1][0]
        ):
            break
    return finished


@given(
    seed=st.integers(0, 200),
    beam=st.sampled_from([2, 4]),
    alpha=st.sampled_from([0.0, 1.0, 2.0]),
    early=st.booleans(),
    renormalise=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_search_as_transformers_does_it_equals_the_plain_one(
    seed: int, beam: int, alpha: float, early: bool, renormalise: bool
) -> None:
    torch.set_num_threads(1)
    model, source = random_model(seed), sources(5, 3, 6)
    options = SearchOptions(
        beam=beam,
        length_penalty=alpha,
        length_normalisation="power",
        early_stopping=early,
        renormalise=renormalise,
        forced_end=True,
        max_extra=None,
        max_length=7,
        n_best=2,
    )
    for row, hypotheses in zip(source, search(model, source, options), strict=True):
        wanted = plain_beam(model, row[: int((row != PAD).sum())], 7, options)[:2]
        assert [list(h.tokens) for h in hypotheses] == [tokens for _, tokens in wanted]
        assert [h.score for h in hypotheses] == pytest.approx([score for score, _ in wanted], abs=1e-4)


def test_going_on_finds_hypotheses_that_early_stopping_misses() -> None:
    torch.set_num_threads(1)
    better = 0
    for seed in range(20):
        model, source = random_model(seed), sources(5)
        options = SearchOptions(beam=2, length_penalty=1.0, length_normalisation="power")
        early = search(model, source, options)[0][0].score
        late = search(model, source, options.model_copy(update={"early_stopping": False}))[0][0].score
        assert late >= early - 1e-5
        better += late > early + 1e-4
    assert better > 0


@pytest.mark.parametrize("method", ["greedy", "beam", "sample"])
def test_a_forced_end_is_the_last_token_and_costs_nothing(method: Any) -> None:
    torch.set_num_threads(1)
    options = SearchOptions(method=method, forced_end=True, max_length=3)
    cut = options.model_copy(update={"forced_end": False, "max_length": 2})
    reached = 0
    for seed in range(8):
        model, source = random_model(seed), sources(4, 6)
        for (forced,), (shorter,) in zip(search(model, source, options), search(model, source, cut), strict=True):
            assert forced.tokens[-1] == EOS
            if method == "greedy" and shorter.tokens[-1] != EOS:
                reached += 1
                assert forced.tokens == (*shorter.tokens, EOS)
                assert forced.log_probability == pytest.approx(shorter.log_probability, abs=1e-5)
    assert reached > 0 or method != "greedy"


def test_both_length_penalties_are_their_formulas() -> None:
    assert length_penalty(7, 0.5) == pytest.approx((12 / 6) ** 0.5)
    assert length_penalty(7, 0.5, "power") == pytest.approx(7**0.5)


def test_changes_override_single_options_and_a_beam_means_beam_search() -> None:
    own = SearchOptions(method="greedy", length_penalty=1.0, max_extra=None, max_length=99)
    assert own.changed({}, "translate") == own
    assert own.changed({"beam": None, "max_length": 5}, "translate") == own.model_copy(update={"max_length": 5})
    assert own.changed({"beam": 6}, "translate") == own.model_copy(update={"method": "beam", "beam": 6})
    assert own.changed({"beam": 6, "method": "sample"}, "translate").method == "sample"
    with pytest.raises(RecipeError, match="a search needs a limit"):
        SearchOptions.parse({"max_extra": None}, "translate")


@pytest.mark.parametrize(
    "values",
    [
        {"seed": 2**70},
        {"seed": -(2**70)},
        {"temperature": float("nan")},
        {"temperature": float("inf")},
        {"temperature": 0.0},
        {"length_penalty": 1e300},
        {"length_penalty": -1.0},
        {"beam": 10**9},
        {"n_best": 10**9, "method": "sample"},
        {"top_p": 0.0},
        {"max_length": 0},
        {"beam": int("9" * 4000)},
    ],
)
def test_numbers_out_of_range_are_one_short_sentence(values: dict[str, Any]) -> None:
    with pytest.raises(RecipeError) as caught:
        SearchOptions.parse(values, "translate")
    assert next(iter(values)) in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("extreme", [{"temperature": 1e-300}, {"temperature": 1e-40}, {"top_p": 1e-300}, {"top_k": 1}])
def test_sampling_without_chance_is_greedy_search(extreme: dict[str, Any]) -> None:
    torch.set_num_threads(1)
    for seed in (-(2**63), 0, 2**63 - 1):
        model, source = random_model(3), sources(4, 6)
        sampled = search(model, source, SearchOptions.parse({"method": "sample", "seed": seed, **extreme}, "test"))
        greedy = search(model, source, SearchOptions(method="greedy"))
        assert [found[0].tokens for found in sampled] == [found[0].tokens for found in greedy]


def test_no_search_goes_beyond_the_positions_that_were_learned() -> None:
    torch.set_num_threads(1)
    config = random_model().config.model_copy(update={"positions": "learned", "max_positions": 9})
    torch.manual_seed(1)
    model = Transformer(config).eval()
    with torch.no_grad():
        model.output.weight[EOS] = 0.0
        model.output.weight[EOS, 0] = -100.0
    for method in ("beam", "greedy", "sample"):
        options = SearchOptions.parse({"method": method, "max_extra": 2**62}, "test")
        for found in search(model, sources(4, 6), options):
            assert len(found[0].tokens) <= 9
