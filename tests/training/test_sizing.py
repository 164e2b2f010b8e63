"""Which size of batches is chosen, by what was measured of each."""

from types import SimpleNamespace
from typing import Any

import pytest

from patchword.errors import RecipeError
from patchword.training.group import Alone
from patchword.training.plan import Memory
from patchword.training.sizing import Trial, best, settle_batch_size, worthwhile


def trials(*speeds: float, too_large: int = 0) -> list[Trial]:
    """Of sizes 1, 2, 4, ...; the last `too_large` of them leave no memory."""
    last = len(speeds) - too_large
    return [Trial(2**place, speed, place < last) for place, speed in enumerate(speeds)]


@pytest.mark.parametrize(
    ("speeds", "too_large", "size"),
    [
        ([100], 0, 1),
        ([100, 104], 0, 1),
        ([100, 106], 0, 2),
        ([100, 150, 200, 205], 0, 4),
        ([100, 150, 400], 1, 2),
        ([0, 0], 2, 1),
        ([100, 90, 80], 0, 1),
    ],
)
def test_the_smallest_about_as_fast_as_the_fastest_that_fits(speeds: list[float], too_large: int, size: int) -> None:
    assert best(trials(*speeds, too_large=too_large)) == size


@pytest.mark.parametrize(
    ("speeds", "too_large", "goes_on"),
    [
        ([100], 0, True),
        ([100], 1, False),
        ([100, 150], 0, True),
        ([100, 150], 1, False),
        ([100, 103], 0, False),
        ([100, 150, 140], 0, False),
    ],
)
def test_larger_ones_are_tried_while_that_is_faster(speeds: list[float], too_large: int, goes_on: bool) -> None:
    assert worthwhile(trials(*speeds, too_large=too_large)) is goes_on


def test_activations_grow_with_a_size_and_nothing_else_does() -> None:
    memory = Memory(weights=10, gradients=10, optimizer=20, average=0, activations=100, whole=130)
    assert Trial(8, 1.0, True, memory).grown(16) == 230
    assert Trial(8, 1.0, True, memory).grown(32) == 430
    assert Trial(8, 1.0, True).grown(16) is None


class Several(Alone):
    """Two processes, as far as this asks."""

    size = 2


def test_a_network_that_several_processes_share_is_not_measured_by_one() -> None:
    recipe = SimpleNamespace(batch_tokens="auto", training=SimpleNamespace(parallel="fsdp", device="cpu"))
    task: Any = SimpleNamespace(size_key="batch_tokens", recipe=recipe)
    with pytest.raises(RecipeError, match=r"^batch_tokens = 'auto' is measured by one process, .*; set a number$"):
        settle_batch_size(task, Several(), lambda event: None)
