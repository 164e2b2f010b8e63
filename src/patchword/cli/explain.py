"""`patchword explain`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from patchword.cli.lines import utf8_argument
from patchword.cli.options import flag, option
from patchword.errors import RecipeError, one_line

EXAMPLES = """
patchword explain runs/en-de "A man rides a bike." --out why.html
patchword explain runs/photos cat.jpg --against runs/photos-cnn --out why.html
patchword explain runs/en-de "A man rides a bike." --format pharaoh
patchword explain runs/en-de --measure --data alignments.tsv
"""


def explain(
    model: Annotated[str, typer.Argument(help="A model or run folder, or hf:OWNER/NAME.", show_default=False)],
    given: Annotated[
        str | None,
        typer.Argument(
            metavar="INPUT", help="A sentence for a translator, an image for a classifier.", show_default=False
        ),
    ] = None,
    out: Annotated[
        Path | None, option("Write a page (.html), a picture (.png) or everything as data (.json).", "--out")
    ] = None,
    form: Annotated[
        str | None, option("html, png, json, pharaoh (word links) or text; else by --out's name.", "--format")
    ] = None,
    against: Annotated[
        str | None, option("Another model of the same task, side by side on the same input.", "--against")
    ] = None,
    no_walk: Annotated[bool, flag("Leave the network's steps out: a smaller file.", "--no-walk")] = False,
    measure: Annotated[
        bool, flag("Measure how well the explanations explain, and keep it beside the model.", "--measure")
    ] = False,
    data: Annotated[
        list[Path] | None,
        option(
            "For --measure. Translation: a .tsv of source, target and links such as 0-0 1-2 (the demo writes "
            "data/alignments.tsv). Classification: labelled images.",
            "--data",
        ),
    ] = None,
    images: Annotated[int, typer.Option(min=1, help="For --measure, classification: how many images.")] = 64,
    seed: Annotated[int, typer.Option(min=0, help="For --measure: of what is drawn.")] = 1,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps or auto.")] = "auto",
) -> None:
    """Show what a model looked at while it answered.

    Without --out a few lines: for a sentence where each word came from, for an image where its maps are strongest.
    A page has everything: maps by layer and head, what was weighed at each step, and the walk through the network.
    """
    from patchword import api, inside
    from patchword.explain.forms import FORMS, form_of, written
    from patchword.files import check_output

    if measure:
        if given is not None or out is not None or form is not None or against is not None:
            raise RecipeError("--measure goes with MODEL and --data alone: it is about the model, not about an input")
        if not data:
            raise RecipeError("--measure needs --data: what to measure on")
        return _measure(model, data, images, seed, device)
    if data:
        raise RecipeError("--data goes with --measure; an input to explain stands after the model")
    if given is None:
        raise RecipeError("what to explain? give a sentence for a translator, or an image for a classifier")
    if form is not None and form not in FORMS:
        raise RecipeError(f"no format {form!r}; valid: {', '.join(FORMS)}")
    wanted = form or ("text" if out is None else form_of(out))
    if out is None and wanted in ("html", "png"):
        raise RecipeError(f"--format {wanted} needs --out, the file to write")
    if out is not None:
        check_output(out)
    system = api.load(model, device=device)
    walk = not no_walk and wanted in ("html", "json")
    document = inside.explained(
        system,
        api.wing_of(system.task).given(utf8_argument(given, 1)),
        name=inside.name_of(model),
        against=against,
        walk=walk,
        device=device,
    )
    if out is None:
        typer.echo(written(document, wanted).decode(), nl=False)
        return
    inside.write_explanation(document, out, wanted)
    typer.echo(f"patchword: wrote {one_line(str(out))}, {out.stat().st_size / 2**20:.1f} MiB", err=True)


def _measure(model: str, data: list[Path], images: int, seed: int, device: str) -> None:
    from rich.console import Console
    from rich.table import Table

    from patchword import api, inside

    system: Any = api.load(model, device=device)
    with api.ProgressPrinter() as listener:
        found, kept = inside.measure_explanations(system, data, listener=listener, seed=seed, images=images)
    shown = Table(title=found.title, title_justify="left", box=None)
    for number, column in enumerate(found.columns):
        shown.add_column(column, justify="left" if number == 0 else "right", no_wrap=True)
    for row in found.rows:
        shown.add_row(*row)
    Console(width=160, markup=False, highlight=False).print(shown)
    for note in found.notes:
        typer.echo(one_line(note))
    if kept is not None:
        typer.echo(f"patchword: kept in {one_line(str(kept))}; explanations of this model say it from now on", err=True)
