"""Verbs agree with their subjects, whatever stands between, and agreement alone is what is scored."""

import pytest
import torch
from torch import Tensor

from patchword.compare.claim import Setup, Work
from patchword.compare.sides import transformer
from patchword.compare.tasks.grammar import (
    ADVERBS,
    AGREEING,
    BARE,
    NOUNS,
    SIZE,
    agreement,
    verbs_by_distance,
    verbs_right,
)
from patchword.compare.tasks.pairs import END, FIRST, PAD, START, Pairs
from patchword.compare.training import Budget, train


def words(ids: Tensor) -> list[int]:
    return [each for each in ids.tolist() if each not in (PAD, START, END)]


def test_the_verb_has_the_subjects_number_at_every_distance() -> None:
    task = agreement(torch.Generator().manual_seed(1), distances=(0, 5), test_distance=9, train=300, held_out=50)
    assert task.vocabulary == SIZE
    lengths = set()
    for part in (task.train, task.validation, task.test):
        for source, target in zip(map(words, part.source), map(words, part.target), strict=True):
            assert source[:-1] == target[:-1]
            bare, agreeing, subject = source[-1] - BARE, target[-1] - AGREEING, source[0] - FIRST
            assert bare == agreeing // 2
            assert agreeing % 2 == subject % 2
            assert 0 <= subject < 2 * NOUNS
            assert all(FIRST <= word < BARE for word in source[:-1])
            lengths.add(len(source) - 2)
    assert lengths == {0, 1, 2, 3, 4, 5, 9}


def test_the_nearest_noun_says_nothing() -> None:
    task = agreement(torch.Generator().manual_seed(1), distances=(4, 4), test_distance=4, train=2000, held_out=10)
    pairs = [
        (words(source)[1:-1], words(target)[-1]) for source, target in zip(*vars(task.train).values(), strict=True)
    ]
    same = [
        (nouns[-1] - FIRST) % 2 == (verb - AGREEING) % 2
        for between, verb in pairs
        if (nouns := [word for word in between if word < FIRST + 2 * NOUNS])
    ]
    assert len(same) > 1500
    assert abs(sum(same) / len(same) - 0.5) < 0.05
    assert any(FIRST + 2 * NOUNS <= word < FIRST + 2 * NOUNS + ADVERBS for between, _ in pairs for word in between)


def test_only_the_two_forms_of_the_verb_are_compared() -> None:
    generator = torch.Generator().manual_seed(1)
    task = agreement(generator, distances=(0, 5), test_distance=3, train=10, held_out=60)
    model = transformer(SIZE, 16, 1, tie_output=False, share_embeddings=False, output_bias=True).eval()
    weight, bias = model.projection()
    assert bias is not None
    with torch.no_grad():
        weight.zero_()
        bias[AGREEING::2] = 1.0  # always singular,
        bias[FIRST] = 9.0  # and everywhere else, even where a verb belongs, a noun
    for pairs in (task.validation, task.test):
        singular = [(words(target)[-1] - AGREEING) % 2 == 0 for target in pairs.target]
        assert 0 < sum(singular) < len(singular)
        assert verbs_right(model, pairs) == sum(singular) / len(singular)
        turned = Pairs(pairs.source, torch.where(pairs.target >= AGREEING, pairs.target ^ 1, pairs.target))
        assert AGREEING % 2 == 0
        assert verbs_right(model, turned) == pytest.approx(1 - sum(singular) / len(singular))


def test_agreement_can_be_learned_and_is_measured_by_distance() -> None:
    work = Work(Setup(), "test", 1, 1e-2)
    task = agreement(work.generator(), distances=(0, 1), test_distance=1, train=1000, held_out=10)
    torch.manual_seed(1)
    model = transformer(SIZE, 32, 1, dropout=0.0)
    before = verbs_by_distance(model.eval(), (0, 1), work.generator("far"), 200)
    assert list(before) == ["distance0", "distance1"]
    assert all(abs(share - 0.5) < 0.2 for share in before.values())
    train(model, task, Budget(steps=150), work)
    found = verbs_by_distance(model, (0, 1), work.generator("far"), 200)
    assert min(found.values()) > 0.8
