"""Where the limits of a recipe end a run: arithmetic."""

from typing import Any

import pytest

from patchword.training.plan import Ending, ending
from patchword.training.recipe import TrainingConfig
from patchword.training.state import Progress


def ended(progress: Progress | None = None, into_epoch: int = 0, scored: bool = False, **limits: Any) -> Ending:
    """With 100 updates an epoch of 2 s each, and validations of 10 s."""
    return ending(TrainingConfig(**limits), progress or Progress(), 100, into_epoch, 2.0, 10.0, scored)


@pytest.mark.parametrize(
    ("limits", "limit", "steps", "validations", "seconds"),
    [
        ({"max_steps": 250}, "training.max_steps", 250, 3, 530.0),
        ({"max_epochs": 3}, "training.max_epochs", 300, 3, 630.0),
        ({"max_epochs": 3, "validate_every": 50}, "training.max_epochs", 300, 6, 660.0),
        ({"max_steps": 500, "max_epochs": 3}, "training.max_epochs", 300, 3, 630.0),
        ({"max_steps": 200, "max_epochs": 3}, "training.max_steps", 200, 2, 420.0),
        # 600 s are 600 / (2 + 10 / 100) updates.
        ({"max_minutes": 10}, "training.max_minutes", 286, 3, 600.0),
        ({"max_minutes": 10, "max_steps": 100}, "training.max_steps", 100, 1, 210.0),
        ({"max_minutes": 10, "max_epochs": 100}, "training.max_minutes", 286, 3, 600.0),
    ],
)
def test_the_first_limit_ends_a_run(
    limits: dict[str, Any], limit: str, steps: int, validations: int, seconds: float
) -> None:
    found = ended(**limits)
    assert (found.limit, found.steps, found.validations, found.seconds) == (limit, steps, validations, seconds)
    assert found.epochs == steps / 100


def test_a_run_that_goes_on_has_what_is_left() -> None:
    progress = Progress(step=130, epoch=1, batch=30, seconds=300.0)
    assert ended(progress, 30, max_steps=250).steps == 120
    assert ended(progress, 30, max_epochs=3).steps == 170
    assert ended(progress, 30, max_minutes=10).seconds == 300.0
    assert ended(progress, 30, max_minutes=5).steps == ended(progress, 30, max_steps=130).steps == 0


def test_the_early_stop_waits_for_as_many_validations_as_patience_says_after_the_first() -> None:
    assert ended(max_epochs=30).earliest is None
    assert ended(max_epochs=30, patience=2).earliest == 3 * 210.0
    assert ended(max_epochs=2, patience=5).earliest == 2 * 210.0
    assert ended(Progress(step=200, epoch=2, waited=1), scored=True, max_epochs=30, patience=2).earliest == 210.0


def test_a_model_that_a_run_starts_from_is_the_first_to_beat() -> None:
    assert ended(scored=True, max_epochs=30, patience=2).earliest == 2 * 210.0
