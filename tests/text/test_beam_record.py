"""The tree of what a search weighed."""

import math
from typing import Any

import pytest

from patchword.text.beam_record import BeamRecord
from patchword.text.search import SearchOptions, search
from tests.text.test_search import EOS, random_model, sources
from tests.tiny import tiny_translator


def way(record: BeamRecord, place: int) -> tuple[int, ...]:
    tokens: tuple[int, ...] = ()
    while place >= 0:
        tokens = (record.nodes[place].token, *tokens)
        place = record.nodes[place].parent
    return tokens


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("options", [SearchOptions(beam=3), SearchOptions(beam=2, max_extra=0, forced_end=True)])
def test_every_step_has_its_candidates_and_the_best_way_is_the_translation(seed: int, options: SearchOptions) -> None:
    model, source, record = random_model(seed), sources(5), BeamRecord()
    best = search(model, source, options, record=record)[0][0]
    assert search(model, source, options)[0][0] == best
    places = [i for i, node in enumerate(record.nodes) if node.state == "best"]
    assert way(record, places[-1]) == best.tokens
    assert len(places) == len(best.tokens)
    assert record.nodes[places[-1]].score == best.log_probability
    for i, node in enumerate(record.nodes):
        before = record.nodes[node.parent] if node.parent >= 0 else None
        assert node.parent < i
        assert node.step == (0 if before is None else before.step + 1)
        assert node.score == pytest.approx((before.score if before else 0.0) + node.log_probability)
        assert before is None or before.state in ("kept", "best")
    for step in range(record.nodes[-1].step + 1):
        at = [node for node in record.nodes if node.step == step]
        assert len(at) <= 2 * options.beam
        assert [node.score for node in at] == sorted((node.score for node in at), reverse=True)
        assert sum(node.token != EOS and node.state in ("kept", "best", "finished") for node in at) <= options.beam
    finished = [i for i, node in enumerate(record.nodes) if node.state == "finished"]
    assert all(math.isfinite(record.nodes[i].score) for i in finished)


@pytest.mark.parametrize("method", ["greedy", "sample"])
def test_other_searches_are_a_way_a_sample(method: Any) -> None:
    samples = 3 if method == "sample" else 1
    found = tiny_translator().searched("one two", method=method, n_best=samples, max_extra=5)
    best = [node.token for node in found.record.nodes if node.state == "best"]
    assert tuple(best) == found.tokens
    assert [node.step for node in found.record.nodes].count(0) == samples


def test_a_search_that_is_forced_weighs_one_token_a_step() -> None:
    found = tiny_translator().searched("one two", prefix=[7, 9], max_extra=5)
    assert [node.token for node in found.record.nodes if node.step < 2] == [7, 9]
    assert found.tokens[:2] == (7, 9)
    assert len([node for node in found.record.nodes if node.step == 2]) == 8
