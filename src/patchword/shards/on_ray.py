"""Shards on Ray Data: actors that keep an open model each, on one machine or on a cluster."""

import logging
import os
import socket
from collections.abc import Iterator
from typing import Any

from patchword.errors import PatchwordError, RecipeError
from patchword.shards.job import Job
from patchword.shards.work import Compute, Opener, run_shard


class _Actor:
    """A worker: it opens the model for its first shard."""

    def __init__(self, job: Job, opener: Opener) -> None:
        self._job, self._opener = job, opener
        self._compute: Compute | None = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """The numbers of shards, which are files when this returns; or why they are none."""
        wrong = ""
        try:
            self._compute = self._compute or self._opener.open()
            for number in batch["id"]:
                run_shard(self._job, int(number), self._compute)
        except PatchwordError as error:  # as text: Ray would tell it, with all its own calls, as a program's fault
            wrong = f"{socket.gethostname()}: {error}"
        return {"id": batch["id"], "wrong": [wrong] * len(batch["id"])}


def run(job: Job, opener: Opener, workers: int | None = None) -> Iterator[int]:
    """Compute every shard that is not there.

    A worker that dies is replaced, and its shard is given again. If this process dies, what is done stays done.

    Args:
        job: on a disk that all of the cluster's machines see.
        opener: see `Opener`.
        workers: actors, of a core each; as many as there are cores when it begins. Those without one wait for it.

    Returns:
        the number of each shard as it is done, in any order.

    Raises:
        RecipeError: if Ray is not installed or no cluster answers.
        PatchwordError: of a worker, such as one whose machine lacks the model; its machine is named.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    # Ray's bars, which are not shown, would replace the builtin print of this process and leave it so.
    os.environ.setdefault("RAY_TQDM_PATCH_PRINT", "0")
    try:
        import ray
        import ray.data
    except ModuleNotFoundError as error:
        raise RecipeError(f"--on ray needs the package {error.name}: pip install '.[ray]'") from None
    pending = job.pending()
    if not pending:
        return
    begun = not ray.is_initialized()
    if begun:
        try:
            # RAY_ADDRESS names a cluster; without one Ray begins on this machine.
            ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise RecipeError(f"no Ray cluster: {str(error).splitlines()[0]}") from None
    try:
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        cores = int(ray.cluster_resources().get("CPU", 1))
        actors = min(workers or cores, len(pending))
        numbers = ray.data.from_items([{"id": number} for number in pending], override_num_blocks=len(pending))
        done = numbers.map_batches(
            _Actor,
            fn_constructor_args=(job, opener),
            batch_size=1,
            num_cpus=1,
            compute=ray.data.ActorPoolStrategy(size=actors),
        )
        for row in done.iter_rows():
            if row["wrong"]:
                raise PatchwordError(row["wrong"])
            yield int(row["id"])
    finally:
        if begun:
            ray.shutdown()
