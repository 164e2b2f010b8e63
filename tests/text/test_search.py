"""Search on small random models, against plain code that re-reads the whole prefix at every step."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from patchword.engine.network import Network
from patchword.errors import NotFiniteError, RecipeError
from patchword.models.transformer import Transformer, TransformerConfig
from patchword.text.hypothesis import Hypothesis, length_penalty
from patchword.text.sampling import choose_token
from patchword.text.search import SearchOptions, search

VOCAB, PAD, BOS, EOS = 12, 0, 2, 3


def random_model(seed: int = 0) -> Transformer:
    """Sharp enough to have opinions, small enough to search by hand; it ends sentences now and then."""
    torch.manual_seed(seed)
    config = TransformerConfig.named(
        "tiny", VOCAB, VOCAB, d_model=16, num_heads=2, encoder_layers=1, decoder_layers=2, d_ff=32, tie_output=False
    )
    model = Transformer(config).eval()
    with torch.no_grad():
        model.output.weight.mul_(6)
    return model


def sources(*lengths: int) -> Tensor:
    rows = torch.zeros(len(lengths), max(lengths), dtype=torch.long)
    for i, length in enumerate(lengths):
        rows[i, : length - 1] = torch.randint(4, VOCAB, (length - 1,))
        rows[i, length - 1] = EOS
    return rows


def next_log_probabilities(model: Transformer, source: Tensor, prefix: list[int]) -> Tensor:
    logits = model(source[None], torch.tensor([[BOS, *prefix]]))[0, -1]
    logits[[PAD, BOS]] = -torch.inf
    return logits.log_softmax(-1)


@torch.inference_mode()
def plain_greedy(model: Transformer, source: Tensor, limit: int) -> list[int]:
    tokens: list[int] = []
    while len(tokens) < limit and (not tokens or tokens[-1] != EOS):
        tokens.append(int(next_log_probabilities(model, source, tokens).argmax()))
    return tokens


@torch.inference_mode()
def plain_beam(
    model: Transformer, source: Tensor, limit: int, beam: int, alpha: float
) -> list[tuple[float, list[int]]]:
    """Beam search as in a textbook: no cache, no batch, no early exit but `beam` finished hypotheses."""
    live: list[tuple[float, list[int]]] = [(0.0, [])]
    finished: list[tuple[float, list[int]]] = []
    for step in range(1, limit + 1):
        candidates = []
        for total, tokens in live:
            values = next_log_probabilities(model, source, tokens).tolist()
            candidates += [(total + value, [*tokens, i]) for i, value in enumerate(values) if value > -math.inf]
        candidates.sort(key=lambda c: -c[0])
        for total, tokens in candidates[:beam]:
            if tokens[-1] == EOS:
                finished.append((total / length_penalty(len(tokens), alpha), tokens))
        live = [c for c in candidates if c[1][-1] != EOS][:beam]
        if len(finished) >= beam:
            break
        if step == limit:
            finished += [(total / length_penalty(len(tokens), alpha), tokens) for total, tokens in live]
    return sorted(finished, key=lambda f: -f[0])


def test_greedy_search_equals_the_plain_one_in_any_batch() -> None:
    model, source = random_model(), sources(5, 3, 9, 2, 7)
    found = search(model, source, SearchOptions(method="greedy", max_extra=6))
    for row, (best,) in zip(source, found, strict=True):
        length = int((row != PAD).sum())
        assert list(best.tokens) == plain_greedy(model, row[:length], length + 6)


@given(seed=st.integers(0, 200), beam=st.sampled_from([2, 3, 4]), alpha=st.sampled_from([0.0, 0.6, 1.0]))
@settings(max_examples=25, deadline=None)
def test_beam_search_equals_the_plain_one_in_any_batch(seed: int, beam: int, alpha: float) -> None:
    model, source = random_model(seed), sources(5, 3, 6)
    options = SearchOptions(beam=beam, length_penalty=alpha, max_extra=5, n_best=2)
    for row, hypotheses in zip(source, search(model, source, options), strict=True):
        length = int((row != PAD).sum())
        wanted = plain_beam(model, row[:length], length + 5, beam, alpha)
        assert [list(h.tokens) for h in hypotheses] == [tokens for _, tokens in wanted[:2]]
        assert [h.score for h in hypotheses] == pytest.approx([score for score, _ in wanted[:2]], abs=1e-4)


def test_a_beam_of_one_is_greedy_search() -> None:
    model, source = random_model(4), sources(5, 3, 9)
    assert search(model, source, SearchOptions(beam=1)) == search(model, source, SearchOptions(method="greedy"))


@pytest.mark.parametrize("options", [SearchOptions(method="greedy"), SearchOptions(), SearchOptions(method="sample")])
def test_search_ends_at_the_end_token_or_at_the_limit(options: SearchOptions) -> None:
    for seed in range(5):
        model, source = random_model(seed), sources(4, 6)
        limited = options.model_copy(update={"max_extra": 3})
        for row, hypotheses in zip(source, search(model, source, limited), strict=True):
            limit = int((row != PAD).sum()) + 3
            for h in hypotheses:
                assert EOS not in h.tokens[:-1]
                assert PAD not in h.tokens
                assert BOS not in h.tokens
                assert h.tokens[-1] == EOS or len(h.tokens) == limit
    assert all(len(h[0].tokens) <= 2 for h in search(model, source, options.model_copy(update={"max_length": 2})))


@pytest.mark.parametrize("method", ["greedy", "beam", "sample"])
def test_scores_are_the_models_own_log_probabilities(method: str) -> None:
    model, source = random_model(1), sources(5, 4)
    for row, (best, *_) in zip(source, search(model, source, SearchOptions(method=method)), strict=True):
        length = int((row != PAD).sum())
        with torch.inference_mode():
            total = sum(
                float(next_log_probabilities(model, row[:length], list(best.tokens[:i]))[token])
                for i, token in enumerate(best.tokens)
            )
        assert best.log_probability == pytest.approx(total, abs=1e-4)
        assert best.score == pytest.approx(total / length_penalty(len(best.tokens), 0.6), abs=1e-4)


def test_a_wider_beam_finds_what_greedy_search_misses() -> None:
    better = 0
    for seed in range(30):
        model, source = random_model(seed), sources(5)
        greedy = search(model, source, SearchOptions(method="greedy", length_penalty=0.0))[0][0]
        beam = search(model, source, SearchOptions(beam=6, length_penalty=0.0))[0][0]
        better += beam.score > greedy.score + 1e-4
    assert better >= 3


def draw(log_probability: Tensor, **changes: float) -> Tensor:
    options = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, **changes}
    generator = torch.Generator().manual_seed(0)
    rows = log_probability.expand(4000, -1)
    found = choose_token(rows, options["temperature"], int(options["top_k"]), options["top_p"], [generator])
    return torch.bincount(found, minlength=log_probability.size(-1)) / 4000


def test_sampling_draws_by_probability_temperature_top_k_and_top_p() -> None:
    p = torch.tensor([0.5, 0.3, 0.15, 0.05])
    torch.testing.assert_close(draw(p.log()), p, atol=0.03, rtol=0)
    sharp = (p**2) / (p**2).sum()
    torch.testing.assert_close(draw(p.log(), temperature=0.5), sharp, atol=0.03, rtol=0)
    torch.testing.assert_close(draw(p.log(), top_k=2), torch.tensor([0.625, 0.375, 0, 0]), atol=0.03, rtol=0)
    torch.testing.assert_close(draw(p.log(), top_p=0.7), torch.tensor([0.625, 0.375, 0, 0]), atol=0.03, rtol=0)
    assert draw(p.log(), top_p=0.01)[0] == 1


def test_samples_repeat_with_their_seed_and_differ_among_themselves() -> None:
    model, source = random_model(), sources(5, 4)

    def sample(seed: int) -> list[list[Hypothesis]]:
        return search(model, source, SearchOptions(method="sample", n_best=5, seed=seed))

    assert sample(1) == sample(1)
    assert sample(1) != sample(2)
    assert len({h.tokens for h in sample(1)[0]}) > 1
    assert [h.score for h in sample(1)[0]] == sorted((h.score for h in sample(1)[0]), reverse=True)


def test_finished_sentences_leave_the_batch() -> None:
    model, source = random_model(3), sources(4, 5, 6, 3)
    rows: list[int] = []
    step: Callable[..., tuple[Tensor, object]] = model.decode_step

    def counting(tokens: Tensor, state: object) -> tuple[Tensor, object]:
        rows.append(len(tokens))
        return step(tokens, state)

    model.decode_step = counting  # type: ignore[method-assign, assignment]
    found = search(model, source, SearchOptions(method="greedy"))
    lengths = [len(h[0].tokens) for h in found]
    assert rows == [sum(length > i for length in lengths) for i in range(max(lengths))]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"n_best": 5}, "n_best 5 is more than the beam's 4"),
        ({"method": "greedy", "n_best": 2}, "greedy search has one hypothesis"),
        ({"temperature": 0}, "temperature = 0"),
        ({"method": "beem"}, "method = 'beem'"),
    ],
)
def test_options_that_make_no_sense_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        SearchOptions.parse(values, "translate")
    assert message in str(caught.value)


@pytest.mark.parametrize("method", ["greedy", "beam", "sample"])
@pytest.mark.parametrize("reference", [True, False])
def test_logits_that_are_no_numbers_are_one_error(method: str, reference: bool) -> None:
    model = random_model()
    with torch.no_grad():
        model.output.weight.copy_(3e38 * model.output.weight.sign())  # each a number, but not their sums
    fast = Network(model, reference=reference).fast
    with pytest.raises(NotFiniteError, match=r"logits.* are infinite or not numbers"):
        search(fast, sources(5, 3), SearchOptions.parse({"method": method, "max_extra": 100}, "test"))


@pytest.mark.parametrize("method", ["greedy", "beam", "sample"])
def test_a_limit_takes_no_memory_before_it_is_reached(method: str) -> None:
    source = sources(5)
    short = SearchOptions.parse({"method": method, "max_extra": None, "max_length": 40}, "test")
    models = (model for model in map(random_model, range(99)) if search(model, source, short)[0][0].tokens[-1] == EOS)
    model = next(models)
    assert search(model, source, short.model_copy(update={"max_length": 10**30})) == search(model, source, short)


def test_more_tokens_than_there_was_room_for_are_kept() -> None:
    model = random_model()
    with torch.no_grad():
        model.output.weight[EOS] = 0.0
        model.output.weight[EOS, 0] = -100.0
    options = SearchOptions(method="greedy", max_extra=None, max_length=150)
    tokens = search(model, sources(5), options)[0][0].tokens
    source = sources(5)[0]
    torch.manual_seed(0)
    assert len(tokens) == 150 or tokens[-1] == EOS
    assert list(search(model, source[None], options)[0][0].tokens) == plain_greedy(model, source, 150)
