"""Running cells: each in one thread, tuned before it is run, several side by side, and kept as soon as it is done."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from patchword.compare.cell import Cell
from patchword.compare.cells import Record, Store, new_record
from patchword.compare.claim import Claim, Setup, Work, seed_of
from patchword.training.events import Listener, Progress, ignore


@dataclass(frozen=True)
class Job:
    """A cell of a claim, to be run."""

    claim: Claim
    cell: Cell

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.claim.number} {self.cell}"


def jobs(claims: Sequence[Claim], setup: Setup, share: tuple[int, int] = (1, 1)) -> list[Job]:
    """All cells, those of tuning before those that wait for them.

    Args:
        claims: in order.
        setup: of the run.
        share: (i, n): the i-th of n parts. Cells that are tuned together stay together, so no work is done twice.
    """
    groups: dict[tuple[str, tuple[str, ...]], list[Job]] = {}
    for claim in claims:
        for cell in claim.cells(setup):
            # A claim without tuning has nothing that must stay together.
            key = claim.group(cell) if claim.rates else (str(cell),)
            group = groups.setdefault((claim.number, key), [])
            if not group:
                group += [Job(claim, each) for each in claim.tuning(cell, setup)]
            group.append(Job(claim, cell))
    own = [group for place, group in enumerate(groups.values()) if place % share[1] == share[0] - 1]
    return [job for group in own for job in group]


def rate_for(job: Job, setup: Setup, store: Store) -> float | None:
    """The learning rate of a cell: what it tries, or the one that its group was tuned to; None if that is not known.

    0 where the claim tunes nothing. Of two rates of one validation figure the smaller is taken.
    """
    if job.cell.rate is not None:
        return job.cell.rate
    found: dict[float, float] = {}
    for cell in job.claim.tuning(job.cell, setup):
        assert cell.rate is not None
        record = store.read(job.claim, setup, cell, cell.rate)
        if record is None:
            return None
        found[cell.rate] = record.figures["validation"]
    return max(sorted(found), key=lambda rate: found[rate], default=0.0)


def done(job: Job, setup: Setup, store: Store) -> Record | None:
    """What was kept of a cell, if it is what would be computed now."""
    rate = rate_for(job, setup, store)
    return None if rate is None else store.read(job.claim, setup, job.cell, rate)


def compute(job: Job, setup: Setup, rate: float, listener: Listener = ignore) -> Record:
    """Run one cell. On the processor the same cell gives the same bits, alone or among others, each time."""
    with _one_thread():
        torch.manual_seed(seed_of(job.claim.number, *job.cell.settings, job.cell.seed))
        start = time.perf_counter()

        def tell(fraction: float) -> None:
            listener(Progress(job.name, fraction))

        work = Work(setup, job.claim.number, job.cell.seed, rate, tell)
        figures = job.claim.run(job.cell, work)
        return new_record(job.claim, setup, job.cell, rate, figures, time.perf_counter() - start)


def run_job(job: Job, setup: Setup, store: Store, listener: Listener = ignore) -> Record:
    """A cell from the store, or computed and kept; its rate must be known.

    The cell of the seed that was tuned on is the tuning's own cell of the best rate.
    """
    rate = rate_for(job, setup, store)
    assert rate is not None, job.name
    record = store.read(job.claim, setup, job.cell, rate)
    if record is None:
        twin = Cell(job.cell.settings, job.cell.seed, rate)
        same = None
        if job.cell.rate is None and twin in job.claim.tuning(job.cell, setup):
            same = store.read(job.claim, setup, twin, rate)
        if same is None:
            record = compute(job, setup, rate, listener)
        else:
            record = new_record(job.claim, setup, job.cell, rate, same.figures, same.seconds)
        store.write(job.claim, setup, job.cell, record)
    return record


def run_alone(claim: Claim, cell: Cell, setup: Setup, store: Store, listener: Listener = ignore) -> Record:
    """Compute one cell anew, whatever is kept of it; only the learning rate is taken from there, or tuned first.

    Nothing but cells of tuning is written.
    """
    tuning = [] if cell.rate is not None else claim.tuning(cell, setup)
    for place, each in enumerate(tuning):
        listener(Progress("learning rates", place / len(tuning), str(each)))
        run_job(Job(claim, each), setup, store, listener)
    rate = rate_for(Job(claim, cell), setup, store)
    assert rate is not None
    return compute(Job(claim, cell), setup, rate, listener)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """One thread and deterministic kernels, and then as it was."""
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    state = torch.get_rng_state()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(deterministic)
        torch.set_rng_state(state)
