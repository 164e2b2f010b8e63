"""Learning-rate schedules as functions of the step."""

import math

from patchword.training.recipe import ScheduleConfig


def learning_rate_factor(schedule: ScheduleConfig, step: int, max_steps: int | None) -> float:
    """The factor by which the optimizer's learning rate is multiplied.

    All schedules rise linearly from 0 to 1 over `warmup_steps`. Then `inverse_sqrt` is sqrt(warmup_steps / step)
    (Vaswani et al. 2017, equation 3, up to a constant), `cosine` falls along half a cosine to `final_factor` at
    max_steps (Loshchilov & Hutter 2017), `constant` stays.

    Args:
        schedule: which, and its numbers.
        step: the update about to be made, counted from 1.
        max_steps: the last step; needed by `cosine`.
    """
    warmup = max(1, schedule.warmup_steps)
    if step < warmup:
        return step / warmup
    if schedule.name == "inverse_sqrt":
        return math.sqrt(warmup / step)
    if schedule.name == "cosine":
        assert max_steps is not None  # the recipe was validated
        progress = min(1.0, (step - warmup) / max(1, max_steps - warmup))
        return schedule.final_factor + (1 - schedule.final_factor) * (1 + math.cos(math.pi * progress)) / 2
    return 1.0
