"""Systems that are measured, each in a process of its own, one after another.

A runtime's threads wait actively for a while after their work; in one process with others they would slow those down,
and the next system too, if it did not wait for them to fall asleep.
"""

import multiprocessing
import resource
import time
from collections.abc import Callable
from statistics import median
from typing import Any

PAUSE = 0.5  # seconds; OpenMP's threads wait for 0.2

# From a column's name to a run of it, which returns how many items it went through.
Runs = Callable[[str], int]


class Worker:
    """A process that holds one system and runs columns on request.

    Args:
        build: makes the system, in the process.
        arguments: of `build`.
    """

    def __init__(self, build: Callable[..., Runs], *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, build, arguments), daemon=True)
        self._process.start()
        theirs.close()

    def run(self, column: str) -> float:
        """Items a second of one run."""
        self._pipe.send(column)
        speed: float = self._pipe.recv()
        return speed

    def close(self) -> float:
        """End the process; its peak of resident memory in MB."""
        self._pipe.send(None)
        peak: float = self._pipe.recv()
        self._process.join()
        return peak


def compare(workers: dict[str, Worker], column: str, rounds: int) -> dict[str, float]:
    """Median speeds of a column: every round runs each system once, so that a machine that slows down slows all."""
    speeds: dict[str, list[float]] = {name: [] for name in workers}
    for turn in range(rounds + 1):
        for name, worker in workers.items():
            time.sleep(PAUSE)
            speed = worker.run(column)
            if turn:
                speeds[name].append(speed)
    return {name: median(found) for name, found in speeds.items()}


def line(speeds: dict[str, float], own: str) -> str:
    """Speeds, and how many times each peer's ours is."""
    return "  ".join(
        f"{name} {speed:7.2f}" + ("" if name == own else f" (x{speeds[own] / speed:.2f})")
        for name, speed in speeds.items()
    )


def _serve(pipe: Any, build: Callable[..., Runs], arguments: tuple[Any, ...]) -> None:
    runs = build(*arguments)
    while (column := pipe.recv()) is not None:
        start = time.perf_counter()
        count = runs(column)
        pipe.send(count / (time.perf_counter() - start))
    pipe.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
