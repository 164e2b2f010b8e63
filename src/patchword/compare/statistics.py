"""Means with 95 % intervals: over a few seeds, and over many pairs."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Interval(NamedTuple):
    """A mean and what it may be with a confidence of 95 %.

    Attributes:
        mean: of the values.
        low: the least; minus infinity if there is one value only.
        high: the most.
        number: of values.
    """

    mean: float
    low: float
    high: float
    number: int

    def side(self, threshold: float = 0.0) -> int:
        """1 if all of it is above a threshold, -1 if all is below, 0 if the threshold is within."""
        return 1 if self.low > threshold else -1 if self.high < threshold else 0

    def __str__(self) -> str:
        if not math.isfinite(self.low):
            return f"{self.mean:.3g}"
        return f"{self.mean:.3g} [{self.low:.3g}, {self.high:.3g}]"

    def times(self, factor: float) -> "Interval":
        """In another unit, such as percentage points; the factor is positive."""
        return Interval(factor * self.mean, factor * self.low, factor * self.high, self.number)


def interval(values: Sequence[float]) -> Interval:
    """Student's t over a few independent values, such as one a seed.

    Raises:
        ValueError: if there are none.
    """
    if not values:
        raise ValueError("an interval needs at least one value")
    mean = math.fsum(values) / len(values)
    if len(values) == 1:
        return Interval(mean, -math.inf, math.inf, 1)
    from scipy.special import stdtrit

    freedom = len(values) - 1
    variance = math.fsum((value - mean) ** 2 for value in values) / freedom
    half = float(stdtrit(freedom, 0.975)) * math.sqrt(variance / len(values))
    return Interval(mean, mean - half, mean + half, len(values))


def paired(first: Sequence[float], second: Sequence[float]) -> Interval:
    """Of the differences first - second, pair by pair: what both sides of a pair share cancels out."""
    return interval([a - b for a, b in zip(first, second, strict=True)])


def bootstrap(values: Sequence[float], rounds: int = 2000, seed: int = 0) -> Interval:
    """The percentile bootstrap of a mean (Efron 1979), for many values of no known distribution, such as one an image.

    Args:
        values: independent; differences, where they come in pairs.
        rounds: of drawing as many with replacement.
        seed: of the draws.
    """
    given = np.asarray(values, dtype=np.float64)
    generator = np.random.default_rng(seed)
    means = [given[generator.integers(0, given.size, given.size)].mean() for _ in range(rounds)]
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(given.mean()), float(low), float(high), given.size)


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Of the least-squares line through log y against log x: the power with which y grows."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def pareto_front(costs: Sequence[float], values: Sequence[float]) -> list[int]:
    """Places of those that no other beats: none costs as little or less and is as good or better, but for equals.

    Args:
        costs: of which less is better.
        values: of which more is better.

    Returns:
        from the cheapest on.
    """
    points = list(zip(costs, values, strict=True))
    front = [
        place
        for place, (cost, value) in enumerate(points)
        if not any(other != (cost, value) and other[0] <= cost and other[1] >= value for other in points)
    ]
    return sorted(front, key=lambda place: costs[place])
