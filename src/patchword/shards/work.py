"""A shard in, a shard out: the one thing that is done, whichever engine says where and when."""

import json
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from patchword.files import write_text
from patchword.shards.job import Job


class Answer(NamedTuple):
    """What became of a shard.

    Attributes:
        text: the records of its items, in their order.
        notes: sentences for whoever began the job.
        failed: whether an item could not be answered.
    """

    text: str
    notes: Sequence[str] = ()
    failed: bool = False


# From the number of the first item, counted from 1, and the items.
Compute = Callable[[int, list[str]], Answer]


class Opener(Protocol):
    """Makes what computes, with its model, once a worker; it can be pickled, and the model is not yet open in it."""

    def open(self) -> Compute:
        """Load the model."""


def run_shard(job: Job, number: int, compute: Compute) -> None:
    """Compute a shard and keep it whole; one that is there already is left alone.

    So a shard that two workers were given, or that was given again after a worker died, is the same file.

    Raises:
        PatchwordError: if its items cannot be read, or its part cannot be written.
    """
    if job.part(number).exists():
        return
    answer = compute(number * job.plan.size + 1, job.items(number))
    if answer.notes or answer.failed:
        # Before the part, whose being there says that all is.
        values = {"notes": list(answer.notes), "failed": answer.failed}
        write_text(job.notes(number), json.dumps(values) + "\n")
    write_text(job.part(number), answer.text)
