import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from patchword.training import losses
from patchword.training.losses import linear_cross_entropy, smooth_one_hot, soft_cross_entropy

ROWS, D_MODEL, VOCAB = 23, 12, 40
ONE_ROW_OF_LOGITS = 4 * VOCAB  # bytes


def assert_near(actual: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(actual, expected, atol=2e-5, rtol=1e-5)


def problem(bias: bool) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None, torch.Tensor]:
    hidden = torch.randn(ROWS, D_MODEL, requires_grad=True)
    weight = torch.randn(VOCAB, D_MODEL, requires_grad=True)
    return hidden, weight, torch.randn(VOCAB, requires_grad=True) if bias else None, torch.randint(VOCAB, (ROWS,))


def torchs(hidden, weight, bias, targets, smoothing):
    logits = F.linear(hidden, weight, bias)
    return F.cross_entropy(logits, targets, reduction="sum", label_smoothing=smoothing)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.7])
@pytest.mark.parametrize("bias", [False, True], ids=["no_bias", "bias"])
@pytest.mark.parametrize("chunk", [1, 4, 10, ROWS, 1000])
def test_loss_and_gradients_are_torchs_in_chunks_of_any_size(monkeypatch, smoothing, bias, chunk):
    monkeypatch.setattr(losses, "CHUNK_BYTES", chunk * ONE_ROW_OF_LOGITS)
    *inputs, targets = problem(bias)
    leaves = [leaf for leaf in inputs if leaf is not None]
    expected = torchs(*inputs, targets, smoothing)
    expected_gradients = torch.autograd.grad(expected, leaves)
    loss, plain = linear_cross_entropy(*inputs, targets, smoothing)
    assert_near(loss, expected)
    assert_near(plain, torchs(*inputs, targets, 0.0))
    for gradient, expected_gradient in zip(torch.autograd.grad(loss, leaves), expected_gradients, strict=True):
        assert_near(gradient, expected_gradient)


def test_a_chunk_smaller_than_one_row_still_takes_one(monkeypatch):
    monkeypatch.setattr(losses, "CHUNK_BYTES", 1)
    *inputs, targets = problem(True)
    assert_near(linear_cross_entropy(*inputs, targets)[0], torchs(*inputs, targets, 0.0))


def test_the_gradient_scales_with_what_the_loss_is_divided_by():
    hidden, weight, _, targets = problem(False)
    whole = torch.autograd.grad(linear_cross_entropy(hidden, weight, None, targets)[0], hidden)[0]
    mean = torch.autograd.grad(linear_cross_entropy(hidden, weight, None, targets)[0] / ROWS, hidden)[0]
    assert_near(mean, whole / ROWS)


def test_a_tied_weight_gets_the_gradient_of_both_its_uses():
    _, weight, _, targets = problem(False)
    tokens = torch.randint(VOCAB, (ROWS,))
    expected = torch.autograd.grad(torchs(weight[tokens], weight, None, targets, 0.1), weight)[0]
    loss, _ = linear_cross_entropy(weight[tokens], weight, None, targets, 0.1)
    assert_near(torch.autograd.grad(loss, weight)[0], expected)


def test_the_plain_loss_has_no_gradient():
    *inputs, targets = problem(True)
    assert not linear_cross_entropy(*inputs, targets, 0.1)[1].requires_grad


def test_logits_of_any_size_stay_finite():
    hidden, weight, _, targets = problem(False)
    loss, plain = linear_cross_entropy(hidden * 1e4, weight, None, targets, 0.1)
    assert torch.isfinite(loss)
    assert torch.isfinite(plain)


def test_cross_entropy_against_distributions_is_torchs():
    logits = torch.randn(6, 9, requires_grad=True)
    targets = torch.randn(6, 9).softmax(-1)
    loss, expected = soft_cross_entropy(logits, targets), F.cross_entropy(logits, targets, reduction="sum")
    assert_near(loss, expected)
    assert_near(torch.autograd.grad(loss, logits)[0], torch.autograd.grad(expected, logits)[0])


@given(classes=st.integers(1, 12), smoothing=st.floats(0, 1, exclude_max=True), seed=st.integers(0, 2**32 - 1))
def test_smoothed_labels_are_distributions_and_give_torchs_smoothed_loss(classes, smoothing, seed):
    torch.manual_seed(seed)
    labels, logits = torch.randint(classes, (5,)), torch.randn(5, classes)
    targets = smooth_one_hot(labels, classes, smoothing)
    assert_near(targets.sum(-1), torch.ones(5))
    expected = F.cross_entropy(logits, labels, reduction="sum", label_smoothing=smoothing)
    assert_near(soft_cross_entropy(logits, targets), expected)
