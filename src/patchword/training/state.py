"""The state of a run: everything that makes a resumed run equal to one that never stopped."""

import random
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from patchword.errors import RunFolderError
from patchword.files import replacing

STATE_VERSION = 1


@dataclass
class Progress:
    """Where a run is.

    Attributes:
        step: optimizer updates made.
        epoch: the epoch being trained on, counted from 0.
        batch: batches of that epoch already used.
        seconds: time spent so far, over all sittings.
        best: the best validation score, or None before the first.
        waited: validations since the best.
        validated: step of the last validation.
        loss_sum: plain loss summed since the last row of metrics.
        loss_count: items in that sum.
        finished: whether the run came to its end.
    """

    step: int = 0
    epoch: int = 0
    batch: int = 0
    seconds: float = 0.0
    best: float | None = None
    waited: int = 0
    validated: int = 0
    loss_sum: float = 0.0
    loss_count: int = 0
    finished: bool = False
    checkpoints: list[str] = field(default_factory=list)


def random_states() -> dict[str, Any]:
    """States of torch's, numpy's and Python's global generators."""
    numpy_state: Any = np.random.get_state()
    kind, keys, position, has_gauss, gauss = numpy_state
    version, internal, gauss_next = random.getstate()
    states: dict[str, Any] = {
        "torch": torch.get_rng_state(),
        "numpy": [kind, torch.from_numpy(keys.astype(np.int64)), position, has_gauss, gauss],
        "python": [version, list(internal), gauss_next],
    }
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state_all()
    return states


def restore_random_states(states: dict[str, Any]) -> None:
    """Put the generators back to what `random_states` saw."""
    torch.set_rng_state(states["torch"])
    kind, keys, position, has_gauss, gauss = states["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), position, has_gauss, gauss))
    version, internal, gauss_next = states["python"]
    random.setstate((version, tuple(internal), gauss_next))
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(states["cuda"])


def seed_everything(seed: int) -> None:
    """Seed torch's, numpy's and Python's global generators."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def save_state(path: Path, progress: Progress, tensors: dict[str, Any]) -> None:
    """Write the whole state as one file, atomically.

    Args:
        path: the file.
        progress: where the run is.
        tensors: state dicts by name: model, optimizer, averages.
    """
    with replacing(path) as temporary:
        torch.save(
            {"version": STATE_VERSION, "progress": asdict(progress), "random": random_states(), **tensors}, temporary
        )


def load_state(path: Path) -> tuple[Progress, dict[str, Any]]:
    """Read what `save_state` wrote; the generators are left alone (the result has "random").

    Raises:
        RunFolderError: if there is no state, or it is damaged.
    """
    if not path.is_file():
        raise RunFolderError(path.parent.parent, "nothing to resume: the run has not saved a state yet")
    try:
        # weights_only: a state is data, never code.
        values = torch.load(path, map_location="cpu", weights_only=True)
        return Progress(**values.pop("progress")), values
    except Exception as error:
        raise RunFolderError(path, f"the saved state is damaged: {error}") from None
