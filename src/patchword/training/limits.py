"""When a run ends: the first of its limits, or the early stop."""

from patchword.training.recipe import TrainingConfig
from patchword.training.state import Progress


def limit_reached(limits: TrainingConfig, progress: Progress) -> bool:
    """Whether a limit is reached, or no validation has been the best one for as long as `patience` says."""
    stop_early = limits.patience is not None and progress.waited >= limits.patience
    return stop_early or fraction(limits, progress) >= 1.0


def fraction(limits: TrainingConfig, progress: Progress) -> float:
    """How far the run is on the way to the nearest of its limits, from 0 to 1."""
    fractions = [0.0]
    if limits.max_steps:
        fractions.append(progress.step / limits.max_steps)
    if limits.max_epochs:
        fractions.append(progress.epoch / limits.max_epochs)
    if limits.max_minutes:
        fractions.append(progress.seconds / 60 / limits.max_minutes)
    return min(1.0, max(fractions))
