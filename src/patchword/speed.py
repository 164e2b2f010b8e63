"""Measuring how fast a system is on this machine."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Speed:
    """One measurement.

    Attributes:
        name: what was measured, such as "greedy, 16 at once".
        unit: what is counted, in the plural.
        a_second: how many of them; the median of the rounds.
        values: everything about the measurement, for JSON.
    """

    name: str
    unit: str
    a_second: float
    values: dict[str, Any] = field(default_factory=dict)


def timed(work: Callable[[], int], rounds: int) -> tuple[float, int]:
    """Median seconds of several rounds after a first one, and what the work returned."""
    result = work()
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return median(seconds), result
