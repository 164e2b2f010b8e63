"""The processes that train one model: one alone, or several that torchrun has started.

An update is that of one process: its batches, its loss, its division by the number of items. Several processes divide
the rows of each batch among them and add up what they found.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from patchword.devices import find_device
from patchword.errors import PatchwordError
from patchword.training.interrupt import StopRequest

T = TypeVar("T")


@dataclass(frozen=True)
class Found:
    """What a process found in its part of an update's batches, or all of them in the whole.

    Attributes:
        count: items.
        plain: their loss, summed.
        broken: which of the batches is the first whose loss is no number; None if there is none.
        seconds: of training so far; the first process's clock counts.
        signal: that asks the run to stop; None if nobody asks.
    """

    count: int
    plain: float
    broken: int | None
    seconds: float
    signal: int | None


class Alone:
    """One process, which has nobody to ask.

    Attributes:
        rank: number of this process among the `size` ones.
        local_size: how many of them this machine has.
        rows: of the batch that was shared last, all processes' together.
    """

    rank, size, local_size = 0, 1, 1
    rows = 0

    @property
    def first(self) -> bool:
        """Whether this is the process that reads, writes, validates and tells."""
        return self.rank == 0

    def device(self, name: str) -> torch.device:
        """Where this process computes; see `find_device`."""
        return find_device(name)

    def share(self, batch: Any) -> tuple[Any, int]:
        """This process's part of a batch, and 1; or 0 if there was nothing left for it, so that it counts nothing."""
        self.rows = len(batch)
        return batch, 1

    def sum(self, values: Tensor) -> Tensor:
        """All processes' values added up, with a gradient; those of one without rows of its own are left out."""
        return values

    def exchange(self, found: Found) -> Found:
        """What all have found together."""
        return found

    def asked(self, request: StopRequest) -> int | None:
        """The signal that ends the run, on which all agree."""
        return request.signal

    def first_alone(self, work: Callable[[], T]) -> T:
        """Let the first process do something; everybody waits for it and gets what it returns, or its error."""
        return work()

    @contextmanager
    def each(self) -> Iterator[None]:
        """A block that everybody does; one who fails fails it for all."""
        yield

    def same(self, error: PatchwordError) -> PatchwordError:
        """What to raise where every process has found the same error: the first one says it."""
        return error

    def end(self) -> None:
        """Before a process ends that was asked to: torchrun ends all when one has, and the first is to say why."""

    def draw(self, seed: int, step: int) -> None:
        """Have the numbers of an update drawn: a lone process goes on with its stream, which its state keeps."""

    def gathered(self, value: T) -> list[T]:
        """Everybody's value, by rank."""
        return [value]

    @contextmanager
    def watched(self, out: Path) -> Iterator[None]:
        """A block in which the loss of another process is told in one sentence.

        Args:
            out: the run folder.

        Raises:
            GroupError: which process is gone, as far as that can be known, and that the run can go on.
        """
        yield
