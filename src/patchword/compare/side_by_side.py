"""Cells in several processes, one thread each; those that measure time have the machine to themselves."""

import multiprocessing
import os
import threading
import time
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing.connection import wait as wait_for
from pathlib import Path

from patchword.compare.cell import Cell
from patchword.compare.cells import Store
from patchword.compare.claim import Setup
from patchword.compare.registry import claim
from patchword.compare.running import Job, done, rate_for, run_job
from patchword.errors import one_line
from patchword.training.events import Listener, Note, Progress


def run_all(todo: Iterable[Job], setup: Setup, store: Store, processes: int, listener: Listener) -> list[str]:
    """Run every cell that is not kept yet.

    Args:
        todo: cells, those of tuning before those that wait for them.
        setup: of the run.
        store: where cells are kept as soon as they are done, so that a kill loses those that are being computed alone.
        processes: cells at a time.
        listener: hears how far all of it is, and of cells that failed.

    Returns:
        sentences on cells that failed; the others were run all the same.
    """
    everything = list(todo)
    started = time.perf_counter()
    left = [job for job in everything if done(job, setup, store) is None]
    kept, failed = len(everything) - len(left), list[str]()
    if kept:
        listener(Note(f"{kept:,} of {len(everything):,} cells are there already"))
    if store.damaged:
        listener(Note(f"{len(store.damaged)} damaged files of cells are computed again: {min(store.damaged)}"))

    def said(count: int, text: str) -> None:
        listener(Progress("cells", count / max(1, len(everything)), f"{count:,} of {len(everything):,}, {text}"))

    shared = [job for job in left if not job.claim.alone]
    alone = [job for job in left if job.claim.alone]
    finished = kept
    if processes == 1:
        alone, shared = left, []
    if shared:
        with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _begin) as pool:
            running: dict[Future[float], Job] = {}
            while shared or running:
                for job in list(shared):
                    # Few wait within the pool, so that claims are finished one after the other.
                    if len(running) >= processes:
                        break
                    if rate_for(job, setup, store) is None:
                        continue
                    shared.remove(job)
                    arguments = job.claim.number, job.cell, setup, store.folder
                    running[pool.submit(_run, *arguments)] = job
                if not running:  # the rest waits for cells that failed
                    failed += [f"{job.name}: a cell that it needs failed" for job in shared]
                    break
                ended, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in ended:
                    job = running.pop(future)
                    finished += 1
                    error = future.exception()
                    if error is not None:
                        failed.append(_told(job, error))
                        listener(Note(failed[-1]))
                    said(finished, job.name)
    for job in alone:
        said(finished, job.name)
        try:
            if rate_for(job, setup, store) is None:
                raise LookupError("a cell that it needs failed")
            run_job(job, setup, store, listener)
        except Exception as error:  # one cell of hundreds; the rest is worth having
            failed.append(_told(job, error))
            listener(Note(failed[-1]))
        finished += 1
    said(finished, f"{(time.perf_counter() - started) / 60:.1f} minutes")
    return failed


def _told(job: Job, error: BaseException) -> str:
    return one_line(f"cell {job.name} failed: {type(error).__name__}: {error}")


def _run(number: str, cell: Cell, setup: Setup, folder: Path) -> float:
    """In a process of the pool, which looks the claim up for itself."""
    return run_job(Job(claim(number), cell), setup, Store(folder)).seconds


def _begin() -> None:
    """End with whoever began this process: a pool's processes would otherwise wait for ever after a kill."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    sentinel = parent.sentinel

    def watch() -> None:
        wait_for([sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
