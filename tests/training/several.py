"""Several processes that train together, started from one that has imported everything."""

import json
import multiprocessing
import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

CONTEXT = multiprocessing.get_context("forkserver") if sys.platform != "win32" else None


@dataclass
class Several:
    """Processes at work; each writes what it says into `folder`/RANK.log."""

    processes: list[Any]
    folder: Path

    def wait(self, seconds: float = 100) -> list[int]:
        """Exit codes."""
        end = time.monotonic() + seconds
        for process in self.processes:
            process.join(max(0.0, end - time.monotonic()))
        codes = [process.exitcode for process in self.processes]
        for process in self.processes:
            process.kill()
        assert None not in codes, self.said()
        return codes

    def said(self) -> list[str]:
        """What each has written."""
        return [(self.folder / f"{rank}.log").read_text("utf-8") for rank in range(len(self.processes))]


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
    if CONTEXT is None:
        pytest.skip("needs a system that can fork")
    CONTEXT.set_forkserver_preload(["tests.training.several_preloaded"])
    folder.mkdir(parents=True, exist_ok=True)
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": str(size)}
    place |= {"LOCAL_WORLD_SIZE": str(size)}
    processes = []
    for rank in range(size):
        own = place | {"RANK": str(rank), "LOCAL_RANK": str(rank), **environment}
        process = CONTEXT.Process(target=_work, args=(own, folder / f"{rank}.log", arguments, change), daemon=True)
        process.start()
        processes.append(process)
    return Several(processes, folder)


def _work(environment: dict[str, str], log: Path, arguments: list[str], change: Callable[[], None] | None) -> None:
    import torch

    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.environ.update(environment)
    tempfile.tempdir = str(log.parent)  # where files of this test are taken away
    torch.set_num_threads(1)
    from patchword.cli.main import main
    from patchword.training import loop

    loop.LOG_EVERY = 1
    if change is not None:
        change()
    sys.argv = ["patchword", *arguments]
    main()


def losses(out: Path) -> list[float]:
    """The loss of every step."""
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text("utf-8").splitlines()]
    return [row["loss"] for row in rows if "loss" in row]


def scores(out: Path) -> list[dict[str, float]]:
    """Of every validation."""
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text("utf-8").splitlines()]
    return [row["validation"] for row in rows if "validation" in row]
