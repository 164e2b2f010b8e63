"""`patchword evaluate`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patchword.errors import RecipeError

if TYPE_CHECKING:
    from patchword.images.classifier import ImageClassifier
    from patchword.text.translator import Translator


def evaluate(
    model: Annotated[Path, typer.Argument(help="A model folder, or a run folder.", show_default=False)],
    data: Annotated[
        list[Path] | None,
        typer.Option(
            help="Translation: a .tsv or .jsonl, or give it twice for two aligned files. "
            "Classification: a folder a class, a zip of it, or a CSV of path,label.",
            show_default=False,
        ),
    ] = None,
    source: Annotated[Path | None, typer.Option(help="Source sentences, one a line.", show_default=False)] = None,
    target: Annotated[Path | None, typer.Option(help="Their references, line by line.", show_default=False)] = None,
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
    precision: Annotated[str, typer.Option(help="float32, or int8: faster and smaller, a little worse.")] = "float32",
    reference: Annotated[bool, typer.Option("--reference", help="Run the plain network, not the engine.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, as one JSON object.")] = False,
) -> None:
    """Score a model on data that it was not trained on.

    Translation: BLEU and chrF with sacreBLEU's signatures; search options that are left out are the model's own.
    Classification: top-1 and top-5 accuracy, a table of the classes, the confusion matrix and the calibration; with
    --knn what its features alone can tell apart.
    """
    from patchword import api
    from patchword.engine.products import parse_precision

    if bool(source) != bool(target):
        raise RecipeError("--source and --target go together: one file of sentences, one of their references")
    paths = [source, target] if source and target else list(data or [])
    if not paths:
        raise RecipeError("what to evaluate on? --data ..., or --source FILE --target FILE")
    if neighbours_from is not None and knn is None:
        raise RecipeError("--neighbours-from goes with --knn, the number of neighbours")
    system = api.load(model, precision=parse_precision(precision), reference=reference)
    if system.task == "translation":
        if knn is not None:
            raise RecipeError(f"--knn is for image classifiers; {model} is a translator")
        options = {"method": method, "beam": beam, "length_penalty": length_penalty}
        _evaluate_translator(system, paths, options, output, as_json)  # type: ignore[arg-type]
    else:
        _evaluate_classifier(system, paths, knn, neighbours_from, as_json)  # type: ignore[arg-type]


def _evaluate_translator(
    translator: "Translator", paths: list[Path], options: dict[str, Any], output: Path | None, as_json: bool
) -> None:
    from patchword.files import write_text
    from patchword.text.evaluation import evaluate_translator
    from patchword.text.pairs import read_pairs

    pairs = read_pairs(paths, translator.languages)
    scores, translations = evaluate_translator(translator, pairs, translator.options.changed(options, "evaluate"))
    if output is not None:
        write_text(output, "".join(f"{t.text}\n" for t in translations))
    if as_json:
        typer.echo(json.dumps({**scores.as_dict(), "precision": translator.network.precision}, indent=2))
        return
    typer.echo(f"BLEU   {scores.bleu:6.2f}   {scores.bleu_signature}")
    typer.echo(f"chrF   {scores.chrf:6.2f}   {scores.chrf_signature}")
    typer.echo(f"exact  {scores.exact:6.2f} % of {scores.sentences:,} sentences")
    if translator.network.precision != "float32":
        typer.echo(f"computed in {translator.network.precision}; --precision float32 may score a little higher")


def _evaluate_classifier(
    classifier: "ImageClassifier", paths: list[Path], knn: int | None, neighbours_from: Path | None, as_json: bool
) -> None:
    from patchword import api

    if len(paths) != 1:
        raise RecipeError("a classifier is evaluated on one --data: a folder a class, a zip of it, or a CSV")
    scores = api.evaluate(classifier, paths, knn=knn, neighbours_from=neighbours_from)
    if as_json:
        values = {**scores.as_dict(), "precision": classifier.network.precision}
        typer.echo(json.dumps(values, indent=2, ensure_ascii=False))
    else:
        typer.echo(scores.as_text())
        if classifier.network.precision != "float32":
            typer.echo(f"computed in {classifier.network.precision}")
    for reason in scores.skipped:
        typer.echo(f"patchword: {reason}", err=True)
    if scores.skipped:
        raise typer.Exit(1)
