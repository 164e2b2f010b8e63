"""Whether a run's numbers still are numbers, found out before anything is kept."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from patchword.errors import PatchwordError

REMEDY = "lower optimizer.learning_rate, lengthen schedule.warmup_steps or set optimizer.clip_norm"


class DivergedError(PatchwordError):
    """A loss, a gradient, a score or a weight is no longer a finite number."""


def all_finite(tensors: Iterable[Tensor]) -> bool:
    """Whether no value is infinite or not a number; whole numbers always are."""
    tensors = [tensor.detach() for tensor in tensors if tensor.is_floating_point() and tensor.numel()]
    # The largest magnitude, unlike a sum, is finite where all values are.
    return not tensors or bool(torch.stack([norm.float() for norm in largest(tensors)]).isfinite().all())


def largest(tensors: list[Tensor]) -> Iterable[Tensor]:
    """Each tensor's largest magnitude; not a number where it holds such a thing."""
    return torch._foreach_norm(tensors, math.inf)


def gradient_norm(gradients: list[Tensor]) -> Tensor:
    """The 2-norm of all gradients together, a scalar: what clipping to a norm computes first."""
    return torch.nn.utils.get_total_norm(gradients)


def check_scores(scores: Mapping[str, float], place: str, kept: str) -> None:
    """See that every score is a number.

    Args:
        scores: of a validation.
        place: which step, for the message.
        kept: what is left of the run, for the message.

    Raises:
        DivergedError: naming the first that is not.
    """
    for name, score in scores.items():
        if not math.isfinite(score):
            raise DivergedError(f"{place}: the validation {name.replace('_', ' ')} is {score}; {REMEDY}; {kept}")


def check_weights(weights: Mapping[str, Tensor], place: str, kept: str) -> None:
    """See that all weights are numbers.

    Args:
        weights: by name.
        place: which step, for the message.
        kept: what is left of the run, for the message.

    Raises:
        DivergedError: naming the first that is not.
    """
    if not all_finite(weights.values()):
        name = next(name for name, weight in weights.items() if not all_finite([weight]))
        raise DivergedError(f"{place}: {name} holds values that are infinite or not a number; {REMEDY}; {kept}")


def check_optimizer(state: Mapping[Any, Mapping[str, Any]], place: str, kept: str) -> None:
    """See that what an optimizer remembers are numbers; with an infinite second moment weights would stand still.

    Args:
        state: "state" of an optimizer's state dict.
        place: which step, for the message.
        kept: what is left of the run, for the message.

    Raises:
        DivergedError: naming the first value that is not.
    """
    for name in sorted({name for values in state.values() for name in values}):
        found = [values.get(name) for values in state.values()]
        if not all_finite(value for value in found if isinstance(value, Tensor)):
            remedy = "lower optimizer.weight_decay or optimizer.learning_rate, or set optimizer.clip_norm"
            raise DivergedError(f"{place}: the optimizer's {name} is infinite or not a number; {remedy}; {kept}")
