"""`patchword evaluate`."""

from pathlib import Path
from typing import Annotated

import typer

from patchword.cli.inputs import refuse_overwriting
from patchword.cli.json_text import json_text
from patchword.cli.lines import without_line_ends
from patchword.cli.options import PRECISION, flag, say_chosen
from patchword.errors import RecipeError, one_line

EXAMPLES = """
patchword evaluate runs/en-de --source test.en --target test.de --output test.out
patchword evaluate runs/en-de --data pairs.tsv --columns 1,3 --json
patchword evaluate runs/photos --data test.zip
patchword evaluate models/vit --data photos/ --knn 20
"""


def evaluate(
    model: Annotated[str, typer.Argument(help="A model or run folder, or hf:OWNER/NAME.", show_default=False)],
    data: Annotated[
        list[Path] | None,
        typer.Option(
            help="Translation: a .tsv, .csv, .jsonl, .tmx, .po, .xliff or .zip, or twice for two aligned files. "
            "Classification: a folder a class, a zip of it, or a CSV of path,label.",
            show_default=False,
        ),
    ] = None,
    source: Annotated[
        Path | None, typer.Option(help="Translation: source sentences, one a line.", show_default=False)
    ] = None,
    target: Annotated[
        Path | None, typer.Option(help="Translation: their references, line by line.", show_default=False)
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(help="Translation: beam, greedy or sample.", show_default=False),
    ] = None,
    beam: Annotated[
        int | None,
        typer.Option(help="Translation: hypotheses kept a sentence.", show_default=False),
    ] = None,
    length_penalty: Annotated[
        float | None,
        typer.Option(help="Translation: above 0 favours longer ones.", show_default=False),
    ] = None,
    source_language: Annotated[
        str | None, typer.Option(help="Translation: such as en; else what the model says.", show_default=False)
    ] = None,
    target_language: Annotated[
        str | None,
        typer.Option(
            help="Translation: how BLEU cuts words; else the model's language, or the text's script.",
            show_default=False,
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Translation: a table's two columns, by number or name.", show_default=False),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Translation: also write the translations here.", show_default=False)
    ] = None,
    knn: Annotated[
        int | None,
        typer.Option(
            metavar="K",
            min=1,
            help="Classification: accuracy of a vote of the K nearest neighbours by the model's features, without its "
            "head; the data may have any classes.",
            show_default=False,
        ),
    ] = None,
    neighbours_from: Annotated[
        Path | None,
        typer.Option(
            help="With --knn: labelled images that the neighbours come from; else from --data itself, without the "
            "image in question.",
            show_default=False,
        ),
    ] = None,
    max_pixels: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Classification: pixels that may be decoded of one image.",
            show_default=False,
        ),
    ] = None,
    precision: Annotated[str, typer.Option(help=PRECISION)] = "float32",
    device: Annotated[str, typer.Option(help="cpu, cuda, mps or auto.")] = "auto",
    reference: Annotated[bool, flag("Run the plain network, not the engine.", "--reference")] = False,
    as_json: Annotated[bool, flag("Everything, as one JSON object.", "--json")] = False,
) -> None:
    """Score a model on data that it was not trained on.

    Translation: BLEU and chrF with sacreBLEU's signatures; search options that are left out are the model's own.
    Classification: top-1 and top-5 accuracy, a table of the classes, the confusion matrix and the calibration; with
    --knn what its features alone can tell apart.
    """
    from patchword import api
    from patchword.files import check_output, write_text

    if bool(source) != bool(target):
        raise RecipeError("--source and --target go together: one file of sentences, one of their references")
    paths = [source, target] if source and target else list(data or [])
    if not paths:
        raise RecipeError("what to evaluate on? --data ..., or --source FILE --target FILE")
    if neighbours_from is not None and knn is None:
        raise RecipeError("--neighbours-from goes with --knn, the number of neighbours")
    if output is not None:
        refuse_overwriting(output, paths)
        check_output(output)
    system = api.load(model, precision=precision, reference=reference, device=device)
    say_chosen(precision, system)
    if output is not None and api.wing_of(system.task).verb != "translate":
        raise RecipeError(f"--output is for translators; {model} is {api.wing_of(system.task).noun}")
    options = {
        "method": method,
        "beam": beam,
        "length_penalty": length_penalty,
        "columns": columns,
        "source_language": source_language,
        "target_language": target_language,
        "knn": knn,
        "neighbours_from": neighbours_from,
        "max_pixels": max_pixels,
    }
    found = api.evaluation(system, paths, **options)
    for note in found.notes:
        typer.echo(f"patchword: {one_line(note)}", err=True)
    used = system.network.precision
    if as_json:
        typer.echo(json_text({**found.scores.as_dict(), "precision": used}, indent=2))
    else:
        typer.echo(found.scores.as_text())
        if used != "float32":
            typer.echo(f"computed in {used}; --precision float32 may score a little higher")
    if output is not None and found.answers is not None:
        # After the scores, which are not to be lost where this fails.
        write_text(output, "".join(f"{without_line_ends(answer)}\n" for answer in found.answers))
    for reason in found.skipped:
        typer.echo(f"patchword: {one_line(reason)}", err=True)
    if found.skipped:
        raise typer.Exit(1)
