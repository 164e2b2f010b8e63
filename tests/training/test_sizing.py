"""Which size of batches is chosen, by what was measured of each."""

import pytest

from patchword.training.sizing import Trial, best, worthwhile


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
