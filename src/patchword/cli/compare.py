"""`patchword compare`."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patchword.cli.options import flag, option
from patchword.errors import RecipeError, shown

if TYPE_CHECKING:
    from patchword.compare.cells import Store
    from patchword.compare.claim import Claim, Setup

EXAMPLES = """
patchword compare --out report/
patchword compare 4 8 --data ../shared/data
patchword compare 4 --list
patchword compare 4 --cell learned,both,seed2
"""


def compare(
    claim: Annotated[list[str] | None, typer.Argument(help="Numbers of claims; else all.", show_default=False)] = None,
    out: Annotated[Path, typer.Option(help="Where the page, every number and the cells go.")] = Path("report"),
    quick: Annotated[bool, flag("Small networks and data, minutes for all claims; the default.", "--quick")] = False,
    full: Annotated[bool, flag("The honest size, hours; goes on where it was stopped.", "--full")] = False,
    data: Annotated[Path | None, option("A folder that has cifar10/ or multi30k/ to be used.")] = None,
    show_list: Annotated[
        bool, flag("Show claims, cells and estimated time; of one claim, every cell.", "--list")
    ] = False,
    cell: Annotated[str | None, option("Compute one cell of one claim alone, such as learned,both,seed2.")] = None,
    cells: Annotated[
        str | None, option("Do the i-th of n parts, such as 1/3; copy the folders cells/ together.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=10**9, help="The first of the seeds.")] = 1,
    processes: Annotated[int | None, option("Cells at a time, a thread each; else one a core.", min=1, max=256)] = None,
    device: Annotated[str, typer.Option(help="Where networks are trained: cpu, cuda or cuda:N.")] = "cpu",
) -> None:
    """Test what the papers claim: the Transformer beside an RNN, the ViT beside a CNN, on the same data and budget.

    Every verdict, supported, contradicted or undecided, is computed by a rule that was fixed before the run.
    """
    from patchword.compare.cells import Store
    from patchword.compare.claim import Setup
    from patchword.compare.registry import claims

    if quick and full:
        raise RecipeError("--quick and --full exclude one another")
    if data is not None and not data.is_dir():
        raise RecipeError(f"--data {data}: is no folder; expected one that has cifar10/ or multi30k/")
    from patchword.devices import find_device

    chosen = claims(claim)
    setup = Setup("full" if full else "quick", seed, data, str(find_device(device)))
    store = Store(out / "cells")
    if show_list:
        _show(chosen, setup, store, every=len(chosen) == 1)
    elif cell is not None:
        if len(chosen) != 1:
            raise RecipeError("--cell needs one claim: patchword compare CLAIM --cell CELL")
        _alone(chosen[0], cell, setup, store)
    else:
        _run(chosen, setup, store, _share(cells), processes, out)


def _run(
    chosen: "list[Claim]", setup: "Setup", store: "Store", share: tuple[int, int], processes: int | None, out: Path
) -> None:
    import os

    from patchword.compare.report import find, write_report
    from patchword.compare.running import jobs
    from patchword.compare.side_by_side import run_all
    from patchword.files import check_output
    from patchword.progress import ProgressPrinter

    check_output(out / "index.html")
    count = processes or (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    with ProgressPrinter() as listener:
        failed = run_all(jobs(chosen, setup, share), setup, store, count, listener)
    findings = [find(each, setup, store) for each in chosen]
    write_report(findings, setup, out)
    for finding in findings:
        typer.echo(f"{finding.claim.number:>3}  {finding.outcome.en:<12}  {finding.claim.title.en}")
    typer.echo(f"wrote {out / 'index.html'}, {out / 'results.json'} and {out / 'table.md'}", err=True)
    if failed:
        raise typer.Exit(1)


def _alone(claim: "Claim", text: str, setup: "Setup", store: "Store") -> None:
    from patchword.compare.cell import find_cell
    from patchword.compare.running import run_alone
    from patchword.progress import ProgressPrinter

    known = claim.cells(setup)
    tuning = [each for cell in known for each in claim.tuning(cell, setup)]
    found = find_cell(text, [*known, *tuning])
    with ProgressPrinter() as listener:
        record = run_alone(claim, found, setup, store, listener)
    rate = {"rate": record.rate} if record.rate else {}
    typer.echo(json.dumps({"claim": claim.number, "cell": record.cell, **rate, **record.figures}, indent=1))


def _show(chosen: "list[Claim]", setup: "Setup", store: "Store", every: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    from patchword.compare.running import done, jobs

    if every:
        for job in jobs(chosen, setup):
            typer.echo(job.cell)
        return
    table = Table("#", "claim", "cells", "there", "minutes", "data")
    for claim in chosen:
        todo = jobs([claim], setup)
        there = sum(done(job, setup, store) is not None for job in todo)
        minutes = f"{getattr(claim.minutes, setup.scale):g}"
        table.add_row(claim.number, claim.title.en, str(len(todo)), str(there), minutes, claim.data(setup))
    Console().print(table)


def _share(text: str | None) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text or "1/1")
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise RecipeError(f"--cells {shown(text)}: expected i/n with i from 1 to n, such as 1/3")
    return int(match[1]), int(match[2])
