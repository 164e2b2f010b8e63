"""Several processes that train together, started from one that has imported everything."""

import json
import os
import socket
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.forked import FORKS, Forked


@dataclass
class Several:
    """Processes at work."""

    processes: list[Forked]

    def wait(self, seconds: float = 100) -> list[int]:
        """Exit codes."""
        end = time.monotonic() + seconds
        try:
            return [process.wait(max(0.0, end - time.monotonic())) for process in self.processes]
        finally:
            for process in self.processes:
                process.kill()

    def said(self) -> list[str]:
        """What each has written."""
        return [process.said() for process in self.processes]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def start(
    size: int, folder: Path, arguments: list[str], change: Callable[[], None] | None = None, **environment: str
) -> Several:
    """`patchword` with some arguments in several processes.

    Args:
        size: how many.
        folder: for what they say.
        arguments: of the command line.
        change: called in each before it begins; a function of a module.
        environment: more variables.
    """
    if not FORKS:
        pytest.skip("needs a system that can fork")
    folder.mkdir(parents=True, exist_ok=True)
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": str(size)}
    place |= {"LOCAL_WORLD_SIZE": str(size), "OMP_NUM_THREADS": "1"}
    processes = []
    for rank in range(size):
        own = os.environ | place | {"RANK": str(rank), "LOCAL_RANK": str(rank), **environment}
        log = folder / f"{rank}.log"
        begin = partial(_prepare, folder, change)
        processes.append(Forked(None, arguments, streams={"out": log, "error": log}, environment=own, change=begin))
    return Several(processes)


def _prepare(folder: Path, change: Callable[[], None] | None) -> None:
    tempfile.tempdir = str(folder)  # where files of this test are taken away
    from patchword.training import loop

    loop.LOG_EVERY = 1
    if change is not None:
        change()


def losses(out: Path) -> list[float]:
    """The loss of every step."""
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text("utf-8").splitlines()]
    return [row["loss"] for row in rows if "loss" in row]


def scores(out: Path) -> list[dict[str, float]]:
    """Of every validation."""
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text("utf-8").splitlines()]
    return [row["validation"] for row in rows if "validation" in row]
