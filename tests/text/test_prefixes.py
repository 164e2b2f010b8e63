"""Translations that begin with given tokens, alone and beside others, on the reference and the packed networks."""

from typing import Any

import pytest
import torch
from torch import Tensor

from patchword.engine.network import Network
from patchword.text.hypothesis import length_penalty
from patchword.text.search import SearchOptions, search
from tests.text import test_search_with_an_rnn as recurrent
from tests.text.test_search import BOS, EOS, PAD, next_log_probabilities, random_model, sources
from tests.tiny import tiny_translator

METHODS = [
    SearchOptions(method="greedy"),
    SearchOptions(beam=4, n_best=3),
    SearchOptions(beam=3, forced_end=True, renormalise=False, early_stopping=False, length_normalisation="power"),
    SearchOptions(method="sample", n_best=3, top_k=5, temperature=0.7),
]
methods = pytest.mark.parametrize("options", METHODS, ids=["greedy", "beam", "late", "sample"])
NETWORKS = {
    "transformer": lambda: Network(random_model(1)),
    "rnn": lambda: Network(recurrent.random_model(1)),
    "reference": lambda: Network(random_model(1), reference=True),
    "int8": lambda: Network(random_model(1), precision="int8"),
}
networks = pytest.mark.parametrize("network", NETWORKS)


@pytest.fixture(autouse=True)
def _one_thread(_repeatable: None) -> None:
    torch.set_num_threads(1)


def rows_of(source: Tensor) -> list[Tensor]:
    return [row[: int((row != PAD).sum())][None] for row in source]


@methods
@networks
def test_a_translation_begins_with_its_prefix_and_no_other_sentence_notices(network: str, options: Any) -> None:
    model, source = NETWORKS[network]().fast, sources(5, 3, 9, 4, 6)
    prefixes: list[list[int]] = [[], [7, 4, 11], [5], [], [10, 10, 10, 10, 9]]
    alone = [
        search(model, row, options, prefixes=[prefix] if prefix else None)[0]
        for row, prefix in zip(rows_of(source), prefixes, strict=True)
    ]
    together = search(model, source, options, prefixes=prefixes)
    if network != "reference":  # whose products are torch's, which depend on the batch
        assert together == alone
    for prefix, hypotheses in zip(prefixes, together, strict=True):
        assert len(hypotheses) == options.n_best
        assert {h.tokens[: len(prefix)] for h in hypotheses} == {tuple(prefix)}
    assert len({h.tokens for h in together[4]}) >= min(2, options.n_best)  # they go apart after it


@pytest.mark.parametrize("renormalise", [True, False])
@pytest.mark.parametrize("method", ["greedy", "beam", "sample"])
@pytest.mark.parametrize("reference", [True, False])
def test_scores_have_the_prefixes_own_log_probabilities(method: Any, renormalise: bool, reference: bool) -> None:
    model, source = random_model(1), sources(5)
    fast = Network(model, reference=reference).fast
    with torch.inference_mode():
        first = next_log_probabilities(model, source[0], [])[EOS + 1 :]
    unlikely = EOS + 1 + int(first.argmin())  # among no beam's candidates
    prefix = [unlikely, 9, 8, 11]
    options = SearchOptions(method=method, renormalise=renormalise)
    best = search(fast, source, options, prefixes=[prefix])[0][0]
    total = 0.0
    for i, token in enumerate(best.tokens):
        with torch.inference_mode():
            logits = model(source, torch.tensor([[BOS, *best.tokens[:i]]]))[0, -1]
            logits[[PAD, BOS]] -= torch.inf if renormalise else 0.0
        total += float(logits.log_softmax(-1)[token])
    assert best.log_probability == pytest.approx(total, abs=1e-4)
    assert best.score == pytest.approx(total / length_penalty(len(best.tokens), 0.6), abs=1e-4)


@networks
def test_being_forced_to_go_where_one_would_have_gone_changes_no_bit(network: str) -> None:
    model, source, options = NETWORKS[network]().fast, sources(6), METHODS[0]
    free = search(model, source, options)
    for length in range(0, len(free[0][0].tokens), 5):
        assert search(model, source, options, prefixes=[list(free[0][0].tokens[:length])]) == free


def test_what_comes_after_a_prefix_is_what_the_textbook_finds() -> None:
    model, source, prefix = random_model(5), sources(5), [6, 9]
    best = search(model, source, SearchOptions(method="greedy", max_extra=6), prefixes=[prefix])[0][0]
    tokens = list(prefix)
    while len(tokens) < 11 and tokens[-1] != EOS:
        with torch.inference_mode():
            tokens.append(int(next_log_probabilities(model, source[0], tokens).argmax()))
    assert list(best.tokens) == tokens


@methods
def test_a_text_as_prefix_is_what_the_translation_begins_with(options: SearchOptions) -> None:
    translator = tiny_translator()
    texts = ["one two", "three", "", "five six seven", "ten"]
    prefixes = ["eight ni", None, None, " seven   one ", [5, 6]]
    options = options.model_copy(update={"max_extra": 8})
    found = translator.translate(texts, options, prefixes=prefixes)
    assert found[0].text.startswith("eight ni")
    assert found[3].text.startswith("seven   one")
    assert found[4].text.startswith(translator.vocabulary.decode_target([5, 6]))
    assert all(a.text.startswith("eight ni") for a in found[0].alternatives)
    for i, text in enumerate(texts):
        assert translator.translate([text], options, prefixes=[prefixes[i]]) == [found[i]]
    assert found[1] == translator.translate("three", options)


@pytest.mark.parametrize(
    ("prefix", "problem"),
    [
        ([5, 100_000], "the prefix has the id 100000, and the target tokens are 0 to"),
        ([-1], "the prefix has the id -1, and the target tokens are 0 to"),
        ([5, 3], "the prefix has the id 3, a special token, which no translation goes on after"),
        ([0], "the prefix has the id 0, a special token"),
        ([2, 5], "the prefix has the id 2, a special token"),
        ([5] * 9, "the prefix has 9 tokens, and a translation of this text has at most"),
        ("one two three four five six seven eight nine ten", "tokens, and a translation of this text has at most"),
    ],
)
def test_a_prefix_that_nothing_begins_with_is_its_own_texts_error(prefix: Any, problem: str) -> None:
    translator = tiny_translator()
    bad, good = translator.translate(["ten", "one"], prefixes=[prefix, [6]], max_extra=0, max_length=8)
    assert bad.text == ""
    assert problem in (bad.error or "")
    assert good == translator.translate(["one"], prefixes=[[6]], max_extra=0, max_length=8)[0]


def test_a_prefix_of_an_empty_text_and_wrong_kinds_of_prefixes_are_said() -> None:
    translator = tiny_translator()
    assert "the text is empty" in (translator.translate([" "], prefixes=["one"])[0].error or "")
    assert translator.translate([" "], prefixes=["  "])[0].error is None
    with pytest.raises(ValueError, match="1 prefixes of 2 texts"):
        translator.translate(["one", "two"], prefixes=["one"])
    with pytest.raises(TypeError, match="found float"):
        translator.translate(["one"], prefixes=[[1.5]])  # type: ignore[list-item]


def test_a_prefix_one_shorter_than_the_limit_leaves_room_for_the_end() -> None:
    model, source = random_model(1), sources(4)
    options = SearchOptions(max_extra=None, max_length=4, forced_end=True)
    best = search(model, source, options, prefixes=[[7, 8, 9]])[0][0]
    assert best.tokens == (7, 8, 9, EOS)
