"""`patchword classify`."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer


def classify(
    model: Annotated[Path, typer.Argument(help="A model folder, or a run folder.", show_default=False)],
    images: Annotated[list[Path], typer.Argument(help="Image files.", show_default=False)],
    top: Annotated[int, typer.Option(min=1, help="Classes shown an image.")] = 5,
    precision: Annotated[str, typer.Option(help="float32, or int8: faster and smaller, a little worse.")] = "float32",
    reference: Annotated[bool, typer.Option("--reference", help="Run the plain network, not the engine.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="An object a line: image, predictions, error.")] = False,
) -> None:
    """Say what is in images: the likeliest classes with their probabilities.

    A file that cannot be read is reported, the others are classified, and the exit code is 1.
    """
    from patchword import api

    classifier: Any = api.load(model, task="classification", precision=precision, reference=reference)
    failed = False
    for result in classifier.classify(images, top=top):
        failed = failed or result.error is not None
        if as_json:
            predictions = [{"class": name, "probability": probability} for name, probability in result.predictions]
            row = {"image": result.name, "predictions": predictions, "error": result.error}
            typer.echo(json.dumps(row, ensure_ascii=False))
        elif result.error is not None:
            typer.echo(f"patchword: {result.error}", err=True)
        else:
            typer.echo(result.name)
            for name, probability in result.predictions:
                typer.echo(f"  {100 * probability:5.1f} %  {name}")
    if failed:
        raise typer.Exit(1)
