"""`patchword info`."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from patchword.cli.json_text import json_text
from patchword.errors import one_line


def info(
    model: Annotated[Path, typer.Argument(help="A model folder, or a run folder.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Everything, as one JSON object.")] = False,
) -> None:
    """Show what a model is, its size, its scores, and what made it."""
    from patchword import api

    report = {**api.describe(model), "kernels": api.kernels()}
    if as_json:
        typer.echo(json_text(_of_json(report), indent=2))
        return
    title = f"{report['folder']}: {report['task']} by a {report['architecture'].replace('_', ' ')}"
    typer.echo(one_line(title))
    typer.echo(f"{report['parameters']:,} parameters, {report['bytes'] / 2**20:.1f} MiB on disk")
    missing = api.kernels_missing()
    typer.echo(f"kernels on this machine: {api.kernels()}{f' ({missing})' if missing else ''}")
    for title in ("model", "details", "facts"):
        values: Mapping[str, Any] = report[title]
        if values:
            typer.echo(f"\n{title}")
            _show(values, "  ")


def _of_json(value: Any) -> Any:
    """The same with null for numbers that JSON does not have, such as a score that is none."""
    if isinstance(value, Mapping):
        return {key: _of_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_of_json(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _show(values: Mapping[str, Any], indent: str) -> None:
    for key, value in values.items():
        if isinstance(value, Mapping):
            typer.echo(one_line(f"{indent}{key}"))
            _show(value, indent + "  ")
        elif isinstance(value, list) and len(value) > 12:
            typer.echo(one_line(f"{indent}{key}: {', '.join(map(str, value[:12]))}, ... ({len(value)} in all)"))
        elif isinstance(value, list):
            typer.echo(one_line(f"{indent}{key}: {', '.join(map(str, value))}"))
        else:
            found = f"{value:.4g}" if isinstance(value, float) else str(value)
            typer.echo(one_line(f"{indent}{key}: {found}"))
