"""Forced decoding: what the model looks at and expects as it reads given translations."""

import pytest
import torch

from patchword.errors import DataError
from patchword.models.recurrent import Recurrent, RecurrentConfig
from patchword.text.translator import Translator
from tests.tiny import tiny_translator

SOURCES = ["one two three", "four", "", "eight nine ten one two"]
TARGETS = ["five six", [7, 8, 9, 10, 3], "seven", [5, 6]]


def recurrent() -> Translator:
    torch.manual_seed(1)
    vocabulary = tiny_translator().vocabulary
    size = {"source_vocab_size": vocabulary.source_size, "target_vocab_size": vocabulary.target_size}
    choice = {"embedding_size": 16, "hidden_size": 16}
    return Translator(Recurrent(RecurrentConfig.chosen(choice, size)), vocabulary)


@pytest.mark.parametrize("make", [tiny_translator, recurrent])
def test_a_pair_is_read_alone_as_it_is_beside_others(make: object) -> None:
    translator = make()  # type: ignore[operator]
    together = translator.forced(SOURCES, TARGETS)
    for source, target, pair in zip(SOURCES, TARGETS, together, strict=True):
        alone = translator.forced([source], [target])[0]
        assert (alone.source_ids, alone.target_ids) == (pair.source_ids, pair.target_ids)
        assert len(pair.target_ids) == len(pair.target_pieces) == len(pair.log_probabilities) == len(pair.likeliest)
        torch.testing.assert_close(torch.tensor(pair.log_probabilities), torch.tensor(alone.log_probabilities))
        for name, kind in pair.evidence.items():
            torch.testing.assert_close(kind.values, alone.evidence[name].values)
            sizes = {"source": len(pair.source_ids), "target": len(pair.target_ids), "batch": 1}
            assert all(kind.values.size(i) == sizes.get(axis, kind.values.size(i)) for i, axis in enumerate(kind.axes))
            torch.testing.assert_close(kind.values.sum(-1), torch.ones_like(kind.values.sum(-1)))
    assert together[0].target_pieces[-1] == "</s>"
    assert together[3].target_ids == (5, 6)


def test_probabilities_are_those_of_the_search() -> None:
    translator = tiny_translator()
    found = translator.searched("one two three", max_extra=6)
    pair = translator.forced(["one two three"], [found.tokens], likeliest=4)[0]
    own = [node.log_probability for node in found.record.nodes if node.state == "best"]
    assert list(pair.log_probabilities) == pytest.approx(own, abs=1e-4)
    for best, token, value in zip(pair.likeliest, pair.target_ids, pair.log_probabilities, strict=True):
        assert [score for _, score in best] == sorted((score for _, score in best), reverse=True)
        assert len(best) == 4
        assert dict(best).get(token, value) == value
        assert not {translator.vocabulary.pad_id, translator.vocabulary.bos_id} & {i for i, _ in best}


def test_probabilities_are_left_out_where_nobody_wants_them() -> None:
    pair = tiny_translator().forced(["one"], ["two"], likeliest=0)[0]
    assert pair.log_probabilities == pair.likeliest == ()


@pytest.mark.parametrize(
    ("source", "target", "problem"),
    [
        ("one", [], "pair 2: has a target without tokens"),
        ("one", [10**6], "pair 2: has the target id 1000000; expected 0 to"),
        ("one", [2, 5], "pair 2: has the target id 2; expected"),
        ("one", [5] * 3000, "pair 2: has 3,000 tokens or more; at most 2,048"),
        ("one " * 3000, "x", "tokens or more; at most 2,048"),
        ("one", "\ud800", "half a surrogate pair"),
    ],
)
def test_a_pair_that_cannot_be_read_is_named(source: str, target: object, problem: str) -> None:
    with pytest.raises(DataError) as caught:
        tiny_translator().forced(["one", source], ["two", target])  # type: ignore[list-item]
    assert problem in str(caught.value)
