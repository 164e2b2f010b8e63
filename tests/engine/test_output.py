"""The output's likeliest tokens are those of its logits."""

import pytest
import torch

from patchword.engine.native_vocabulary import FEW
from patchword.engine.output import PackedOutput
from patchword.engine.precision import PRECISIONS, Precision


@pytest.mark.parametrize("vocab_size", [5, 64, 150, 1000, 2571])
@pytest.mark.parametrize("renormalise", [True, False])
@torch.inference_mode()
def test_the_likeliest_tokens_are_those_of_the_logits(variant: str, renormalise: bool, vocab_size: int) -> None:
    torch.manual_seed(vocab_size)
    output = PackedOutput(torch.randn(vocab_size, 16), torch.randn(vocab_size), "float32")
    hidden, never = torch.randn(7, 16), (0, 3)
    logits = output(hidden)
    excluded = logits.index_fill(1, torch.tensor(never), -torch.inf)
    sums = (excluded if renormalise else logits).logsumexp(1, keepdim=True)
    for count in (1, 3, min(9, vocab_size - 2)):
        value, token = (excluded - sums).topk(count)
        found = output.likeliest(hidden, count, never, renormalise)
        assert torch.equal(found.token, token)
        torch.testing.assert_close(found.log_probability, value, atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_of_equal_tokens_the_first_is_chosen(variant: str) -> None:
    output = PackedOutput(torch.zeros(200, 4), None, "float32")
    found = output.likeliest(torch.ones(2, 4), 1, (0, 1))
    if variant != "none":
        assert found.token.tolist() == [[2], [2]]
    torch.testing.assert_close(found.log_probability.exp(), torch.full((2, 1), 1 / 198))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@torch.inference_mode()
def test_logits_that_are_no_numbers_have_no_likeliest(variant: str, value: float) -> None:
    output, hidden = PackedOutput(torch.randn(200, 4), None, "float32"), torch.randn(3, 4)
    hidden[1, 2] = value
    found = output.likeliest(hidden, 5, (0,))
    assert found.log_probability[1].isnan().all()
    assert found.log_probability[[0, 2]].isfinite().all()
    assert 0 <= int(found.token.min()) <= int(found.token.max()) < 200


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("rows", [1, 3, 7, 40])
@torch.inference_mode()
def test_they_are_the_same_whether_logits_are_kept_or_not(variant: str, rows: int, precision: Precision) -> None:
    torch.manual_seed(rows)
    output, never = PackedOutput(torch.randn(5000, 24), torch.randn(5000), precision), (0, 1023, 4999)
    hidden = torch.randn(rows, 24)
    for count in (1, 5, FEW, FEW + 1):
        for renormalise in (True, False):
            of_logits = output.likeliest_of(output(hidden), count, never, renormalise)
            for number in (1, 2, 5):
                torch.set_num_threads(number)
                found = output.likeliest(hidden, count, never, renormalise)
                assert torch.equal(found.token, of_logits.token)
                if variant != "none":  # torch's own sums are others with other threads
                    assert torch.equal(found.log_probability, of_logits.log_probability)


@torch.inference_mode()
def test_whole_stretches_of_a_vocabulary_may_be_impossible(variant: str) -> None:
    bias = torch.full((2000,), -torch.inf)
    bias[1700:1710] = torch.arange(10.0)
    output = PackedOutput(torch.zeros(2000, 4), bias, "float32")
    found = output.likeliest(torch.ones(3, 4), 4, (1709,))
    assert found.token.tolist() == [[1708, 1707, 1706, 1705]] * 3
    torch.testing.assert_close(found.log_probability, torch.arange(9.0).log_softmax(0).flip(0)[:4].expand(3, 4))
    assert output.likeliest(torch.ones(1, 4), 1, tuple(range(1700, 1710))).log_probability.isnan().all()
