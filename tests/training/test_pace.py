"""The learning rate under each kind of limit."""

from typing import Any

import pytest

from patchword.training.pace import FIRST, Pace
from patchword.training.recipe import Recipe
from patchword.training.schedule import learning_rate_factor
from patchword.training.state import Progress


def pace(updates: int = 50, schedule: dict[str, Any] | None = None, **limits: Any) -> Pace:
    values = {
        "task": "translation",
        "optimizer": {"learning_rate": 2.0},
        "schedule": {"name": "cosine", "warmup_steps": 100, **(schedule or {})},
        "training": limits,
    }
    return Pace(Recipe.parse(values, "test"), lambda: updates)


def test_without_a_time_limit_the_rate_is_the_schedules() -> None:
    found = pace(max_steps=1000)
    schedule = found._recipe.schedule
    assert [found.rate(s, 0) for s in range(1, 1001)] == [
        2.0 * learning_rate_factor(schedule, s, 1000) for s in range(1, 1001)
    ]


def test_a_cosine_falls_at_the_end_of_the_epochs() -> None:
    assert pace(max_epochs=20, updates=50).rate(1000, 0) == pytest.approx(0.0)
    assert pace(max_epochs=20, updates=50, max_steps=5000).rate(1000, 0) == pytest.approx(0.0)
    assert pace(max_epochs=200, updates=50, max_steps=500).rate(500, 0) == pytest.approx(0.0)


def test_a_time_limit_is_counted_in_steps_by_those_before() -> None:
    timed = pace(max_minutes=10)
    assert timed.horizon(Progress(step=FIRST - 1, seconds=5.0)) == 0
    assert timed.horizon(Progress(step=100, seconds=60.0)) == 1000
    assert timed.rate(1000, 1000) == pytest.approx(0.0)
    assert timed.rate(100, 1000) == pytest.approx(2.0)
    assert pace(max_minutes=10, max_steps=900).horizon(Progress(step=100, seconds=60.0)) == 0


def test_a_warm_up_takes_a_fifth_of_the_time_at_most() -> None:
    timed = pace(max_minutes=1, schedule={"warmup_steps": 4000})
    assert timed.rate(1, 100) == pytest.approx(2.0 / 20)
    assert timed.rate(20, 100) == pytest.approx(2.0)
    rooted = pace(max_minutes=1, schedule={"name": "inverse_sqrt", "warmup_steps": 4000})
    assert rooted.rate(80, 100) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("progress", "said"),
    [
        (Progress(step=9, seconds=61.0), "within its warm-up of 100 steps"),
        (Progress(step=500, seconds=61.0, horizon=1000), "before its learning rate had fallen: it was at 59 % of"),
        (Progress(step=990, seconds=61.0, horizon=1000), None),
        (Progress(step=500, seconds=59.0, horizon=1000), None),
    ],
)
def test_a_run_that_time_cut_short_says_so(progress: Progress, said: str | None) -> None:
    found = pace(max_minutes=1).cut_short(progress)
    assert found is None if said is None else said in str(found)
    assert pace(max_steps=10).cut_short(progress) is None
