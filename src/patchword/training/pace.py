"""The learning rate of each step, and where a run's limits leave its schedule."""

from collections.abc import Callable

from patchword.training.recipe import Recipe, ScheduleConfig
from patchword.training.schedule import learning_rate_factor
from patchword.training.state import Progress

FIRST = 10  # steps after which a time limit is counted in steps
WARMUP_SHARE = 5  # a time limit leaves the warm-up this part of the run at most
FALLEN = 0.2  # of the highest rate; above, a cosine was cut short
_ENDLESS = 10**15  # steps, while nothing says how many there will be


class Pace:
    """The schedule over the steps that the limits leave.

    A number of steps or epochs is known from the start. A time limit is counted in steps by how long the steps before
    took, so that a schedule falls by the end of the time and a warm-up does not fill it. That number is part of the
    run's state.

    Args:
        recipe: optimizer, schedule and limits.
        updates: how many an epoch has; asked for where the schedule needs it.
    """

    def __init__(self, recipe: Recipe, updates: Callable[[], int]) -> None:
        self._recipe, self._limits = recipe, recipe.training
        planned = [self._limits.max_steps] if self._limits.max_steps else []
        if self._limits.max_epochs and recipe.schedule.name == "cosine":
            planned.append(self._limits.max_epochs * updates())
        self._planned = min(planned, default=None)

    def rate(self, step: int, horizon: int) -> float:
        """The learning rate.

        Args:
            step: the update about to be made, counted from 1.
            horizon: see `horizon`.
        """
        last = horizon or self._planned or _ENDLESS
        return self._recipe.optimizer.learning_rate * learning_rate_factor(self._schedule(horizon), step, last)

    def horizon(self, progress: Progress) -> int:
        """The last step by the time limit; 0 if another limit comes first, there is none, or it is too early to say."""
        if self._limits.max_minutes is None or progress.step < FIRST or progress.seconds <= 0:
            return 0
        steps = int(progress.step * 60 * self._limits.max_minutes / progress.seconds)
        return 0 if self._planned is not None and steps >= self._planned else max(1, steps)

    def cut_short(self, progress: Progress) -> str | None:
        """What a run that its time limit ended did not come to, a sentence; None if it is none, or all is well."""
        minutes = self._limits.max_minutes
        if minutes is None or progress.seconds < 60 * minutes:
            return None
        warmup = self._schedule(progress.horizon).warmup_steps
        if progress.step < warmup:
            return (
                f"the time limit ended the run at step {progress.step:,}, within its warm-up of {warmup:,} steps: it "
                "has hardly learned; raise training.max_minutes"
            )
        share = self.rate(progress.step, progress.horizon) / self._recipe.optimizer.learning_rate
        if self._recipe.schedule.name == "cosine" and share > max(FALLEN, self._recipe.schedule.final_factor):
            return (
                f"the time limit ended the run before its learning rate had fallen: it was at {100 * share:.0f} % of "
                "the highest; raise training.max_minutes, or lower training.max_steps"
            )
        return None

    def _schedule(self, horizon: int) -> ScheduleConfig:
        schedule = self._recipe.schedule
        if not horizon:
            return schedule
        most = max(1, horizon // WARMUP_SHARE)
        return schedule.model_copy(update={"warmup_steps": min(schedule.warmup_steps, most)})
