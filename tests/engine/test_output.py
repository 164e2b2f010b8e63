"""The output's likeliest tokens are those of its logits."""

import pytest
import torch

from patchword.engine.output import PackedOutput


@pytest.mark.parametrize("vocab_size", [5, 64, 150, 1000])
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
