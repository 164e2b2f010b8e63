"""Batches are cut to use every thread, and results come back in order."""

import pytest
import torch

from patchword.text.replicas import MAX_ROWS, MAX_SOURCE_TOKENS, cut, in_parallel
from patchword.text.search import SearchOptions
from tests.tiny import tiny_translator

CPU = torch.device("cpu")


@pytest.mark.usefixtures("two_threads")
def test_every_sentence_is_in_one_batch_and_no_batch_is_too_large() -> None:
    lengths = sorted((1 + i * 7 % 90 for i in range(300)), reverse=True)
    batches = cut(lengths, SearchOptions(beam=4))
    assert [i for batch in batches for i in range(len(lengths))[batch]] == list(range(300))
    for batch in batches:
        size = len(lengths[batch])
        assert size * 4 <= MAX_ROWS
        assert size * lengths[batch.start] <= MAX_SOURCE_TOKENS


@pytest.mark.usefixtures("two_threads")
def test_a_batch_worth_it_is_shared_between_the_threads_and_a_small_one_is_not() -> None:
    assert len(cut([9] * 64, SearchOptions(method="greedy"))) == 2
    assert len(cut([9] * 3, SearchOptions(method="greedy"))) == 1


@pytest.mark.usefixtures("two_threads")
def test_long_and_short_sentences_are_shared_out_evenly() -> None:
    lengths = sorted(range(1, 65), reverse=True)
    one, two = (sum(lengths[-40:][batch]) for batch in cut(lengths[-40:], SearchOptions(method="greedy")))
    assert abs(one - two) <= 20
    batches = cut(lengths, SearchOptions(method="greedy"))
    assert sorted(i for batch in batches for i in range(64)[batch]) == list(range(64))


def test_a_sentence_longer_than_the_budget_is_a_batch_of_its_own() -> None:
    assert cut([MAX_SOURCE_TOKENS + 1, 3], SearchOptions(method="greedy"))[0] == slice(0, 1)


@pytest.mark.usefixtures("two_threads")
def test_samples_depend_neither_on_the_number_of_threads_nor_on_the_batch() -> None:
    translator, texts = tiny_translator(), ["one", "two three", "four five six"] * 12
    two = translator.translate(texts, method="sample", max_extra=4)
    torch.set_num_threads(1)
    assert translator.translate(texts, method="sample", max_extra=4) == two
    assert translator.translate(texts[:1], method="sample", max_extra=4) == two[:1]


@pytest.mark.usefixtures("two_threads")
def test_results_keep_their_order_and_threads_their_number() -> None:
    seen = list(in_parallel(lambda n: (n, torch.get_num_threads()), list(range(9)), CPU))
    assert [n for n, _ in seen] == list(range(9))
    assert {threads for _, threads in seen} == {1}
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_an_error_in_a_batch_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        list(in_parallel(lambda n: 1 // n, [1, 0, 2], CPU))
    assert torch.get_num_threads() == 2
