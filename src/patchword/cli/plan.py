"""What `patchword train --dry-run` prints."""

import math
from collections.abc import Iterator
from typing import Any

import typer

from patchword.cli.json_text import json_text
from patchword.errors import one_line

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def show_plan(plan: Any, as_json: bool) -> None:
    """Print a plan on standard output.

    Args:
        plan: from `api.dry_run`.
        as_json: as one JSON object.
    """
    if as_json:
        typer.echo(json_text(plan.as_dict(), indent=1))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("part", "parameters", "gives, for the largest batch", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    for name, shape in plan.batch.items():
        table.add_row(one_line(name), "", f"{_shape(shape)}  (data)")
    for part in plan.parts:
        kind = "frozen" if part.parameters and not part.trained else "" if part.parameters else "tied"
        gives = [", ".join(map(_shape, part.outputs)), f"({kind})" if kind else ""]
        table.add_row(one_line(part.name), f"{part.parameters:,}", "  ".join(filter(None, gives)))
    table.add_row("whole", f"{plan.parameters:,}", f"{plan.trained:,} of them train")
    Console().print(table)
    for line in ("", *_lines(plan)):
        typer.echo(one_line(line))


def _lines(plan: Any) -> Iterator[str]:
    looked, whole = plan.candidates
    of = f"{looked:,} of {whole:,}" if looked < whole else f"{whole:,}"
    known = plan.memory.activations is not None
    which = f"of {of} batches the one that takes the most memory" if known else f"one of {of} batches"
    yield f"largest batch   {plan.items}; {which}"
    yield f"memory          {_memory(plan.memory)}"
    fastest, slowest = plan.range_seconds
    yield (
        f"an update       {_time(plan.step_seconds)}, the median of {plan.updates:,} ({_time(fastest)} to "
        f"{_time(slowest)}; of the largest batch {_time(plan.largest_seconds)}); {plan.items_per_second:,.0f} "
        f"{plan.unit} a second on {_place(plan)}"
    )
    yield (
        f"an epoch        {plan.batches_per_epoch:,} batches, {plan.steps_per_epoch:,} updates, "
        f"{_time(plan.steps_per_epoch * plan.step_seconds)}"
    )
    end = plan.ending
    yield (
        f"to the end      {end.steps:,} updates, {end.epochs:,.1f} epochs and {end.validations:,} validations, about "
        f"{_time(end.seconds)}; {end.limit} ends it"
    )
    if end.earliest is not None:
        yield f"                training.patience can end it after {_time(end.earliest)} at the earliest"
    yield (
        "                a validation is counted as a third of as much training, and takes longer where it translates"
    )


def _memory(memory: Any) -> str:
    parts = [f"weights {_bytes(memory.weights)}", f"gradients {_bytes(memory.gradients)}"]
    parts.append(f"optimizer {_bytes(memory.optimizer)}")
    if memory.average:
        parts.append(f"average {_bytes(memory.average)}")
    if memory.activations is None:
        return f"{', '.join(parts)}; activations cannot be measured on this device"
    parts.append(f"activations {_bytes(memory.activations)} (with the gradients there by then)")
    return f"{_bytes(memory.whole)} of tensors at the most: {', '.join(parts)}"


def _place(plan: Any) -> str:
    threads = f" with {plan.threads} thread{'' if plan.threads == 1 else 's'}" if plan.device == "cpu" else ""
    return f"{plan.device}{threads}"


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _bytes(count: int) -> str:
    power = min(len(_UNITS) - 1, int(math.log2(count) // 10)) if count else 0
    return f"{count / 1024**power:.{1 if power else 0}f} {_UNITS[power]}"


def _time(seconds: float) -> str:
    if seconds < 0.9995:
        return f"{1000 * seconds:.3g} ms"
    if seconds < 119.5:
        return f"{seconds:.3g} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours / 24:.1f} days"
