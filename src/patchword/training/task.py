"""What the training loop asks of a task; both wings offer it and the loop knows neither."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from patchword.models.contracts import Model
from patchword.training.fingerprint import Fingerprint


@dataclass(frozen=True)
class BatchLoss:
    """The loss of one batch.

    Attributes:
        total: summed over the items, a scalar with a gradient.
        count: number of items: target tokens, or images.
        plain: the sum without label smoothing, for the curves; no gradient.
    """

    total: Tensor
    count: int
    plain: Tensor


class Task(Protocol):
    """A model, its training data and its validation."""

    recipe: Any  # a `Recipe`, with what an init model decides
    notes: Sequence[str]  # what is to be said of it before it starts
    model: Model
    unit: str  # what BatchLoss.count counts, in the plural: "tokens", "images"
    metric: str  # the key of validate()'s result that decides which model is best
    greater_is_better: bool
    frozen: Sequence[str]  # names of the model's submodules and parameters that do not train
    size_key: str  # the recipe's key that bounds a batch
    batch_sizes: Sequence[int]  # that are tried where that key is "auto", in ascending order
    fingerprint: Fingerprint  # of the data

    def epoch(self, number: int) -> Sequence[Any]:
        """The batches of an epoch (counted from 0), in order; a function of the seed and the number alone."""

    def named(self, batch: Any) -> str:
        """What of the data is in a batch, for messages: the first few."""

    def load(self, batch: Any, device: torch.device) -> Any:
        """The tensors of one batch: a dataclass of tensors with a row for each item.

        Randomness comes from torch's, numpy's and Python's global generators.
        """

    def loss(self, model: Any, tensors: Any) -> BatchLoss:
        """Loss of one loaded batch; the model is in training mode."""

    def validate(self, model: Any) -> dict[str, float]:
        """Scores on the validation data; the model is in evaluation mode. Must not draw random numbers."""

    def save(self, model: Any, folder: Path, facts: Mapping[str, Any]) -> None:
        """Write a model folder; `facts` go into its description and card."""
