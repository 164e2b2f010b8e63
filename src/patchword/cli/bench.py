"""`patchword bench`."""

import json
from typing import Annotated

import typer

from patchword.cli.options import flag
from patchword.errors import NoSuchPrecisionError

EXAMPLES = """
patchword bench runs/en-de
patchword bench runs/photos --threads 1 --json
"""
WAYS = {
    "reference": ("float32", True),
    "float32": ("float32", False),
    "bfloat16": ("bfloat16", False),
    "int8": ("int8", False),
}


def bench(
    model: Annotated[str, typer.Argument(help="A model or run folder, or hf:OWNER/NAME.", show_default=False)],
    threads: Annotated[
        int | None, typer.Option(min=1, max=1024, help="CPU threads; else all.", show_default=False)
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, max=1000, help="Repetitions; the median is shown.")] = 3,
    device: Annotated[str, typer.Option(help="cpu; or cuda or mps, which run the reference.")] = "cpu",
    as_json: Annotated[bool, flag("An object a measurement.", "--json")] = False,
) -> None:
    """Measure how fast a model is on this machine: the reference network, and the engine in each precision.

    Translation: made-up sentences of 16 tokens into at most 32; classification: made-up images, without reading files.
    """
    import torch
    from rich.console import Console
    from rich.table import Table

    from patchword import api

    if threads is not None:
        torch.set_num_threads(threads)
    columns: dict[str, dict[str, float]] = {}
    unit = place = ""
    # Anywhere else the reference is all that there is.
    ways = WAYS if api.find_device(device).type == "cpu" else {"reference": WAYS["reference"]}
    for way, (precision, reference) in ways.items():
        try:
            system = api.load(model, precision=precision, reference=reference, device=device)
        except NoSuchPrecisionError as error:
            typer.echo(f"patchword: {way} is left out: {error}", err=True)
            continue
        place = str(system.network.device)
        for speed in api.speeds(system, rounds):
            if as_json:
                row = {"way": way, "threads": torch.get_num_threads(), "kernels": api.kernels(), "device": place}
                row |= speed.values
                typer.echo(json.dumps(row))
            unit = f"{speed.unit} a second"
            columns.setdefault(speed.name, {})[way] = speed.a_second
    if as_json:
        return
    title = f"{unit}, {place}, {torch.get_num_threads()} threads, {api.kernels()} kernels"
    table = Table("", *ways, *(["int8 / reference"] if "int8" in ways else []), title=title)
    for name, measured in columns.items():
        shown = [f"{measured[way]:.1f}" if way in measured else "-" for way in ways]
        if "int8" in ways:
            shown.append(f"{measured['int8'] / measured['reference']:.1f}" if "int8" in measured else "-")
        table.add_row(name, *shown)
    Console().print(table)
