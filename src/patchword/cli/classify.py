"""`patchword classify`."""

import csv
import io
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from patchword.cli.json_text import json_text
from patchword.cli.lines import LineBar
from patchword.errors import RecipeError, one_line

MANY = 100  # images, from which on a bar shows how far it is
AT_ONCE = 32


def classify(
    model: Annotated[Path, typer.Argument(help="A model folder, or a run folder.", show_default=False)],
    images: Annotated[
        list[Path], typer.Argument(help="Image files, folders of them, or zips of them.", show_default=False)
    ],
    top: Annotated[int, typer.Option(min=1, help="Classes shown an image.")] = 5,
    precision: Annotated[str, typer.Option(help="float32, or int8: faster and smaller, a little worse.")] = "float32",
    reference: Annotated[bool, typer.Option("--reference", help="Run the plain network, not the engine.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="An object a line: image, predictions, error.")] = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="A row a class: image, rank, class, probability, error.")
    ] = False,
    max_pixels: Annotated[
        int | None,
        typer.Option(metavar="N", help="Pixels that may be decoded of one image.", show_default=False),
    ] = None,
) -> None:
    """Say what is in images: the likeliest classes with their probabilities.

    A file that cannot be read is reported, the others are classified, and the exit code is 1.
    """
    from patchword import api

    if as_json and as_csv:
        raise RecipeError("--json and --csv are two ways to write the same; choose one")
    classifier: Any = api.load(model, task="classification", precision=precision, reference=reference)
    classifier.require_head()
    found, notes = classifier.pictures(images)
    for note in notes:
        typer.echo(f"patchword: {one_line(note)}", err=True)
    if as_csv:
        typer.echo(_row("image", "rank", "class", "probability", "error"), nl=False)
    failed = False
    # On a screen the answers themselves show how far it is.
    hidden = len(found) < MANY or sys.stdout.isatty()
    with nullcontext() if hidden else LineBar(len(found), 0, "images") as bar:
        for start in range(0, len(found), AT_ONCE):
            for result in classifier.classify(found[start : start + AT_ONCE], top=top, max_pixels=max_pixels):
                failed = failed or result.error is not None
                _show(result, as_json, as_csv)
                if bar is not None:
                    bar.advance()
    if failed:
        raise typer.Exit(1)


def _show(result: Any, as_json: bool, as_csv: bool) -> None:
    name = one_line(result.name)
    if as_json:
        predictions = [{"class": label, "probability": probability} for label, probability in result.predictions]
        row = {"image": result.name, "predictions": predictions, "error": result.error}
        typer.echo(json_text(row))
    elif as_csv:
        for rank, (label, probability) in enumerate(result.predictions, 1):
            typer.echo(_row(name, rank, one_line(label), f"{probability:.6f}", ""), nl=False)
        if result.error is not None:
            typer.echo(_row(name, "", "", "", result.error), nl=False)
    elif result.error is not None:
        typer.echo(f"patchword: {result.error}", err=True)
    else:
        typer.echo(name)
        for label, probability in result.predictions:
            typer.echo(f"  {100 * probability:5.1f} %  {one_line(label)}")


def _row(*cells: object) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()
