"""What a training would be: shapes, parameters, memory, time; see `rehearsal` for how it is found."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from patchword.training.recipe import TrainingConfig
from patchword.training.state import Progress

# A pass forward is about a third of one forward and backward.
FORWARD_SHARE = 1 / 3


@dataclass(frozen=True)
class Part:
    """A part of a network.

    Attributes:
        name: of its module or parameter.
        parameters: numbers that are learned; a tied one belongs to the first part that has it.
        trained: those of them that the recipe does not freeze.
        outputs: shapes of what it gives for the largest batch; none for what is called by no name of its own.
    """

    name: str
    parameters: int
    trained: int
    outputs: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class Memory:
    """Bytes of tensors.

    Attributes:
        weights: parameters and buffers.
        gradients: of what is trained.
        optimizer: its state.
        average: of the weights, where there is an exponential one.
        activations: measured, what one update with the largest batch makes and holds at its most, the batch itself and
            the gradients that are there by then among it; None where that cannot be measured.
        whole: at the most at one time; None with `activations`.
    """

    weights: int
    gradients: int
    optimizer: int
    average: int
    activations: int | None
    whole: int | None


@dataclass(frozen=True)
class Ending:
    """Where a recipe's limits end a run, from where it is.

    Attributes:
        limit: the recipe's key that ends it.
        steps: updates until then.
        epochs: passes through the data until then, a part of one too.
        validations: until then.
        seconds: until then, validations among them.
        earliest: seconds after which the early stop can end it at first; None without `patience`.
    """

    limit: str
    steps: int
    epochs: float
    validations: int
    seconds: float
    earliest: float | None


@dataclass(frozen=True)
class Plan:
    """What a training would be.

    Attributes:
        task: what is trained.
        unit: what is counted, in the plural.
        batch: names of the tensors of the largest batch by memory, and their shapes.
        items: what of the data is in it.
        candidates: batches of the first epoch whose sizes were looked at, of how many.
        parts: of the network, in its order.
        memory: needed.
        device: where it was measured.
        threads: of the processor.
        step_seconds: median of an update.
        range_seconds: the fastest and the slowest one.
        largest_seconds: of an update with the largest batch.
        updates: how many were measured.
        items_per_second: in updates.
        batches_per_epoch: in the first epoch.
        steps_per_epoch: updates.
        ending: where the limits end the run.
    """

    task: str
    unit: str
    batch: Mapping[str, tuple[int, ...]]
    items: str
    candidates: tuple[int, int]
    parts: tuple[Part, ...]
    memory: Memory
    device: str
    threads: int
    step_seconds: float
    range_seconds: tuple[float, float]
    largest_seconds: float
    updates: int
    items_per_second: float
    batches_per_epoch: int
    steps_per_epoch: int
    ending: Ending

    @property
    def parameters(self) -> int:
        """Of the whole network, a tied one once."""
        return sum(part.parameters for part in self.parts)

    @property
    def trained(self) -> int:
        """Parameters that train."""
        return sum(part.trained for part in self.parts)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as JSON has them."""
        return {**asdict(self), "batch": dict(self.batch), "parameters": self.parameters, "trained": self.trained}


def ending(
    limits: TrainingConfig,
    progress: Progress,
    steps_per_epoch: int,
    into_epoch: int,
    step_seconds: float,
    validation_seconds: float,
    scored: bool,
) -> Ending:
    """Where the first of the limits ends a run.

    Args:
        limits: the recipe's.
        progress: where the run is.
        steps_per_epoch: updates.
        into_epoch: updates of its epoch that it has made.
        step_seconds: of an update.
        validation_seconds: of a validation.
        scored: whether there is a model to beat: of an earlier validation, or the one that the run starts from.
    """
    counted: dict[str, int] = {}
    if limits.max_steps is not None:
        counted["training.max_steps"] = max(0, limits.max_steps - progress.step)
    if limits.max_epochs is not None:
        counted["training.max_epochs"] = max(0, (limits.max_epochs - progress.epoch) * steps_per_epoch - into_epoch)
    every = limits.validate_every or steps_per_epoch
    each = step_seconds + validation_seconds / every
    left = 0.0
    if limits.max_minutes is not None:
        left = max(0.0, 60 * limits.max_minutes - progress.seconds)
        counted["training.max_minutes"] = math.ceil(left / each)
    limit = min(counted, key=lambda name: counted[name])
    steps = counted[limit]
    validations = math.ceil(steps / every)  # the last one at the end, wherever that is
    seconds = steps * step_seconds + validations * validation_seconds
    if limit == "training.max_minutes":
        seconds = left
    earliest = None
    if limits.patience is not None:
        # The first score is the best so far; of a run that goes on some may have waited already.
        waits = limits.patience - progress.waited + (not scored)
        earliest = min(seconds, max(0, waits) * (every * step_seconds + validation_seconds))
    return Ending(limit, steps, steps / steps_per_epoch, validations, seconds, earliest)
