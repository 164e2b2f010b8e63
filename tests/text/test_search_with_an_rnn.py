"""The same search over a network whose state is a vector a hypothesis instead of a cache of positions."""

import pytest
import torch

from patchword.models.recurrent import Recurrent, RecurrentConfig
from patchword.nn.recurrence import Cell
from patchword.text.search import SearchOptions, search
from tests.text.test_search import PAD, VOCAB, plain_beam, plain_greedy, sources


@pytest.fixture(autouse=True)
def _one_thread(_repeatable: None) -> None:
    """Products as small as these are slower with two, which wait for each other at every step."""
    torch.set_num_threads(1)


def random_model(seed: int, cell: Cell = "lstm", input_feeding: bool = True) -> Recurrent:
    """Sharp enough to have opinions; it ends sentences now and then."""
    torch.manual_seed(seed)
    choice = {
        "cell": cell,
        "input_feeding": input_feeding,
        "embedding_size": 16,
        "hidden_size": 24,
        "tie_output": False,
    }
    model = Recurrent(RecurrentConfig.chosen(choice, {"source_vocab_size": VOCAB, "target_vocab_size": VOCAB})).eval()
    with torch.no_grad():
        model.output.weight.mul_(12)
        model.target_embedding.weight.mul_(6)
    return model


kinds = pytest.mark.parametrize(("cell", "input_feeding"), [("lstm", True), ("gru", True), ("lstm", False)])


@kinds
def test_greedy_search_equals_the_plain_one_in_any_batch(cell: Cell, input_feeding: bool) -> None:
    model, source = random_model(0, cell, input_feeding), sources(5, 3, 9, 2, 7)
    found = search(model, source, SearchOptions(method="greedy", max_extra=6))
    for row, (best,) in zip(source, found, strict=True):
        length = int((row != PAD).sum())
        assert list(best.tokens) == plain_greedy(model, row[:length], length + 6)  # type: ignore[arg-type]


@kinds
@pytest.mark.parametrize("seed", range(4))
def test_beam_search_equals_the_plain_one_in_any_batch(seed: int, cell: Cell, input_feeding: bool) -> None:
    model, source = random_model(seed, cell, input_feeding), sources(5, 3, 6)
    options = SearchOptions(beam=3, length_penalty=0.6, max_extra=5, n_best=2)
    for row, hypotheses in zip(source, search(model, source, options), strict=True):
        length = int((row != PAD).sum())
        wanted = plain_beam(model, row[:length], length + 5, 3, 0.6)  # type: ignore[arg-type]
        assert [list(h.tokens) for h in hypotheses] == [tokens for _, tokens in wanted[:2]]
        assert [h.score for h in hypotheses] == pytest.approx([score for score, _ in wanted[:2]], abs=1e-4)


def test_a_beam_of_one_is_greedy_search() -> None:
    model, source = random_model(4), sources(5, 3, 9)
    assert search(model, source, SearchOptions(beam=1)) == search(model, source, SearchOptions(method="greedy"))


def test_samples_of_a_sentence_share_its_memory_and_repeat_with_their_seed() -> None:
    model, source = random_model(2), sources(5, 4)
    options = SearchOptions(method="sample", n_best=4, seed=1)
    found = search(model, source, options)
    assert found == search(model, source, options)
    assert len({h.tokens for h in found[0]}) > 1
