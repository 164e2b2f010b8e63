"""`patchword classify`."""

import csv
import io
import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from patchword.cli.json_text import json_text
from patchword.cli.lines import LineBar
from patchword.cli.options import PRECISION, flag, opened, option, say_chosen
from patchword.cli.shards import ON, WORKERS, check_on, in_shards
from patchword.errors import DataError, RecipeError, one_line
from patchword.shards.job import identity

if TYPE_CHECKING:
    from patchword.shards.work import Compute

EXAMPLES = """
patchword classify runs/photos cat.jpg dog.png --top 3
patchword classify runs/photos holiday/ scans.zip --csv > classes.csv
patchword classify runs/photos many.csv --csv --output parts/ --on ray
"""
MANY = 100  # images, from which on a bar shows how far it is
AT_ONCE = 32


def classify(
    model: Annotated[str, typer.Argument(help="A model or run folder, or hf:OWNER/NAME.", show_default=False)],
    images: Annotated[
        list[Path], typer.Argument(help="Image files, folders of them, or zips of them.", show_default=False)
    ],
    top: Annotated[int, typer.Option(min=1, help="Classes shown an image.")] = 5,
    precision: Annotated[str, typer.Option(help=PRECISION)] = "float32",
    device: Annotated[str, typer.Option(help="cpu, cuda, mps or auto.")] = "auto",
    reference: Annotated[bool, flag("Run the plain network, not the engine.", "--reference")] = False,
    as_json: Annotated[bool, flag("An object a line: image, predictions, error.", "--json")] = False,
    as_csv: Annotated[bool, flag("A row a class: image, rank, class, probability, error.", "--csv")] = False,
    max_pixels: Annotated[
        int | None,
        typer.Option(metavar="N", help="Pixels that may be decoded of one image.", show_default=False),
    ] = None,
    output: Annotated[Path | None, option("With --on: the folder of the parts of the answer.")] = None,
    resume: Annotated[bool, flag("With --on: go on with what is in --output.", "--resume")] = False,
    on: Annotated[str | None, ON] = None,
    workers: Annotated[int | None, WORKERS] = None,
) -> None:
    """Say what is in images: the likeliest classes with their probabilities.

    A file that cannot be read is reported, the others are classified, and the exit code is 1.
    With --on ray shards of 1,024 images are computed by the cores of this machine or a cluster; the parts in the folder
    --output, one after the other, are what the command prints without it.
    """
    if as_json and as_csv:
        raise RecipeError("--json and --csv are two ways to write the same; choose one")
    check_on(on, workers, output)
    if on is None and (output is not None or resume):
        raise RecipeError("--output and --resume are of --on; without it the answer goes to standard output")
    if on is not None and not (as_json or as_csv):
        raise RecipeError("--on writes --json or --csv; choose one")
    alone = not reference and on is None
    classifier = opened(model, "classification", alone, precision=precision, reference=reference, device=device)
    say_chosen(precision, classifier)
    classifier.require_head()
    found, notes = classifier.pictures(images)
    for note in notes:
        typer.echo(f"patchword: {one_line(note)}", err=True)
    if on is not None and output is not None:
        loading = {"precision": classifier.network.precision, "reference": reference, "device": device}
        model_folder, given = str(classifier.folder.absolute()), [str(path) for path in images]
        shards = _Images(model_folder, loading, str(Path.cwd()), given, top, max_pixels, as_json)
        names = [picture.name for picture in found]
        return in_shards(shards, shards.told(), names, output, resume=resume, workers=workers, unit="images")
    if as_csv:
        typer.echo(_HEADER, nl=False)
    failed = False
    # On a screen the answers themselves show how far it is.
    hidden = len(found) < MANY or sys.stdout.isatty()
    with nullcontext() if hidden else LineBar(len(found), 0, "images") as bar:
        for start in range(0, len(found), AT_ONCE):
            for result in classifier.classify(found[start : start + AT_ONCE], top=top, max_pixels=max_pixels):
                failed = failed or result.error is not None
                if as_json or as_csv:
                    typer.echo(_record(result, as_json), nl=False)
                else:
                    _show(result)
                if bar is not None:
                    bar.advance()
    if failed:
        raise typer.Exit(1)


class _Images(NamedTuple):
    """What a worker needs to classify shards of images."""

    model: str
    loading: dict[str, Any]
    place: str  # from where the images are named
    images: list[str]
    top: int
    max_pixels: int | None
    as_json: bool

    def told(self) -> dict[str, Any]:
        """What decides the answers, beside the images."""
        return {"model": Path(self.model).name, "weights": identity(Path(self.model)), **self._asdict()}

    def open(self) -> "Compute":
        """Load the model; see `shards.work.Opener`."""
        from patchword import api
        from patchword.shards.work import Answer

        api.use_threads(1)
        os.chdir(self.place)
        classifier: Any = api.load(self.model, task="classification", **self.loading)
        pictures = classifier.pictures([Path(path) for path in self.images])[0]

        def compute(first: int, names: list[str]) -> Answer:
            given = pictures[first - 1 : first - 1 + len(names)]
            if [picture.name for picture in given] != names:
                raise DataError(self.images[0], f"has other images than before, from number {first:,} on")
            records = [_HEADER] if first == 1 and not self.as_json else []
            failed = False
            for start in range(0, len(given), AT_ONCE):
                part = given[start : start + AT_ONCE]
                for result in classifier.classify(part, top=self.top, max_pixels=self.max_pixels):
                    failed = failed or result.error is not None
                    records.append(_record(result, self.as_json))
            return Answer("".join(records), (), failed)

        return compute


def _record(result: Any, as_json: bool) -> str:
    """Lines of JSON or CSV."""
    if as_json:
        predictions = [{"class": label, "probability": probability} for label, probability in result.predictions]
        return json_text({"image": result.name, "predictions": predictions, "error": result.error}) + "\n"
    name = one_line(result.name)
    rows = [
        _row(name, rank, one_line(label), f"{probability:.6f}", "")
        for rank, (label, probability) in enumerate(result.predictions, 1)
    ]
    return "".join(rows) + (_row(name, "", "", "", result.error) if result.error is not None else "")


def _show(result: Any) -> None:
    if result.error is not None:
        typer.echo(f"patchword: {result.error}", err=True)
        return
    typer.echo(one_line(result.name))
    for label, probability in result.predictions:
        typer.echo(f"  {100 * probability:5.1f} %  {one_line(label)}")


def _row(*cells: object) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()


_HEADER = _row("image", "rank", "class", "probability", "error")
