"""Shards on Ray Data: actors that keep an open model each, on one machine or on a cluster."""

import logging
import os
from collections.abc import Iterator
from typing import Any

from patchword.errors import RecipeError
from patchword.shards.job import Job
from patchword.shards.work import Opener, run_shard


class _Actor:
    """A worker: it opens the model when it starts."""

    def __init__(self, job: Job, opener: Opener) -> None:
        self._job, self._compute = job, opener.open()

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """The numbers of shards, which are files when this returns."""
        for number in batch["id"]:
            run_shard(self._job, int(number), self._compute)
        return batch


def run(job: Job, opener: Opener, workers: int | None = None) -> Iterator[int]:
    """Compute every shard that is not there.

    A worker that dies is replaced, and its shard is given again. If this process dies, what is done stays done.

    Args:
        job: on a disk that all of the cluster's machines see.
        opener: see `Opener`.
        workers: actors, of a core each; as many as there are cores.

    Returns:
        the number of each shard as it is done, in any order.

    Raises:
        RecipeError: if Ray is not installed or no cluster answers.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
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
            yield int(row["id"])
    finally:
        if begun:
            ray.shutdown()
