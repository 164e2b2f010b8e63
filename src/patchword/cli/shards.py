"""`--on`: a verb's work cut into shards, which an engine computes here or on a cluster."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from patchword.cli.lines import LineBar
from patchword.cli.options import option
from patchword.errors import RecipeError, one_line, shown

if TYPE_CHECKING:
    from patchword.shards.work import Opener

ENGINES = ("ray",)

ON: Any = option("Cut the work into shards of 1,024 and compute them there: ray. --output is then a folder.")
WORKERS: Any = option("With --on: processes of one core each; else as many as there are cores.", min=1, max=10**6)


def check_on(on: str | None, workers: int | None, output: Path | None) -> None:
    """See that what belongs together was given.

    Raises:
        RecipeError: if not.
    """
    if on is None:
        if workers is not None:
            raise RecipeError("--workers is how many compute with --on; it does nothing else")
        return
    if on not in ENGINES:
        raise RecipeError(f"--on {shown(on)}: expected {' or '.join(ENGINES)}")
    if output is None:
        raise RecipeError("--on writes the parts of the answer into a folder; name it with --output")


def in_shards(
    opener: "Opener",
    does: Mapping[str, Any],
    items: Iterable[str],
    output: Path,
    *,
    resume: bool,
    workers: int | None,
    unit: str = "lines",
) -> None:
    """Compute what of a folder's shards is not there, and say what is to be said of all.

    Args:
        opener: makes what computes, once a worker.
        does: everything that decides what is written, by the names that a message can use.
        items: one after the other.
        output: the folder.
        resume: go on with what is in it.
        workers: how many; None for as many as there are cores.
        unit: what items are, in the plural.

    Raises:
        Exit: with 1, if an item could not be answered.
    """
    from patchword.shards import on_ray
    from patchword.shards.job import Job

    job = Job.begin(output.absolute(), does, items, resume)
    done = job.plan.items - sum(map(job.count, job.pending()))
    with LineBar(job.plan.items, done, unit) as bar:
        for number in on_ray.run(job, opener, workers):
            bar.advance(job.count(number))
    job.end()
    notes, failed = job.told()
    for note in notes:
        typer.echo(f"patchword: {one_line(note)}", err=True)
    typer.echo(f"wrote {job.plan.shards:,} parts; together they are: cat {output}/part-*.txt", err=True)
    if failed:
        raise typer.Exit(1)
