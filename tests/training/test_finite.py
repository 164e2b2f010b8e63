import pytest
import torch

from patchword.training.finite import DivergedError, all_finite, check_scores, check_weights, gradient_norm

HUGE = torch.full((1000,), 3e38)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_one_value_among_many_is_seen(value: float) -> None:
    tensor = torch.zeros(5, 7)
    tensor[3, 4] = value
    assert not all_finite([torch.ones(2), tensor])
    assert not all_finite([tensor.bfloat16()])
    assert not bool(gradient_norm([torch.ones(2), tensor]).isfinite())


def test_large_values_whole_numbers_and_nothing_are_finite() -> None:
    assert all_finite([HUGE, torch.tensor(2**62), torch.zeros(0), torch.tensor(1.0, dtype=torch.float64)])
    assert all_finite([])


def test_the_gradients_norm_is_that_of_all_together() -> None:
    parts = [torch.randn(4, 3), torch.randn(5)]
    torch.testing.assert_close(gradient_norm(parts), torch.cat([part.flatten() for part in parts]).norm())


def test_the_first_that_is_no_number_is_named_with_a_remedy() -> None:
    check_scores({"loss": 1.0}, "run: step 3", "kept")
    check_weights({"w": HUGE}, "run: step 3", "kept")
    with pytest.raises(
        DivergedError, match=r"^run: step 3: the validation loss is nan; lower optimizer\.learning_rate"
    ):
        check_scores({"accuracy": 10.0, "loss": float("nan")}, "run: step 3", "kept")
    with pytest.raises(DivergedError, match=r"^run: step 3: b holds values that are infinite .*; kept$"):
        check_weights({"a": HUGE, "b": HUGE * 10}, "run: step 3", "kept")
