"""`patchword bench`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from patchword.errors import NoSuchPrecisionError

WAYS = {"reference": ("float32", True), "float32": ("float32", False), "int8": ("int8", False)}


def bench(
    model: Annotated[Path, typer.Argument(help="A model folder, or a run folder.", show_default=False)],
    threads: Annotated[
        int | None, typer.Option(min=1, max=1024, help="CPU threads; else all.", show_default=False)
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, max=1000, help="Repetitions; the median is shown.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="An object a measurement.")] = False,
) -> None:
    """Measure how fast a model is on this machine: the reference network, and the engine in float32 and int8.

    Translation: made-up sentences of 16 tokens into at most 32; classification: made-up images, without reading files.
    """
    import torch
    from rich.console import Console
    from rich.table import Table

    from patchword import api

    if threads is not None:
        torch.set_num_threads(threads)
    columns: dict[str, dict[str, float]] = {}
    unit = ""
    for way, (precision, reference) in WAYS.items():
        try:
            system = api.load(model, precision=precision, reference=reference)
        except NoSuchPrecisionError as error:
            typer.echo(f"patchword: {way} is left out: {error}", err=True)
            continue
        for speed in api.speeds(system, rounds):
            if as_json:
                row = {"way": way, "threads": torch.get_num_threads(), "kernels": api.kernels(), **speed.values}
                typer.echo(json.dumps(row))
            unit = f"{speed.unit} a second"
            columns.setdefault(speed.name, {})[way] = speed.a_second
    if as_json:
        return
    title = f"{unit}, {torch.get_num_threads()} threads, {api.kernels()} kernels"
    table = Table("", *WAYS, "int8 / reference", title=title)
    for name, measured in columns.items():
        shown = [f"{measured[way]:.1f}" if way in measured else "-" for way in WAYS]
        table.add_row(name, *shown, f"{measured['int8'] / measured['reference']:.1f}" if "int8" in measured else "-")
    Console().print(table)
