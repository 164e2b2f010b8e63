"""`patchword train`."""

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from patchword.errors import RecipeError, nearest


def train(
    recipe: Annotated[
        str | None, typer.Argument(help="A recipe file; or just: translation, classification.", show_default=False)
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="The run folder to write.", show_default=False)] = ...,  # type: ignore[assignment]
    data: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder of the recipe's files. Without a recipe: a .tsv or .jsonl of pairs, or two aligned files; "
            "or images: a folder a class, the same as zip, or a CSV of path,label.",
            show_default=False,
        ),
    ] = None,
    source: Annotated[Path | None, typer.Option(help="Source sentences, one a line.", show_default=False)] = None,
    target: Annotated[Path | None, typer.Option(help="Their translations, line by line.", show_default=False)] = None,
    validation: Annotated[
        list[Path] | None,
        typer.Option(
            help="Validation data (give twice for two aligned files); else some is held out.", show_default=False
        ),
    ] = None,
    init: Annotated[
        Path | None,
        typer.Option(help="Fine-tune: start from this model folder, or run folder.", show_default=False),
    ] = None,
    freeze: Annotated[
        str | None,
        typer.Option(
            metavar="PART",
            help="With --init, what does not train. Classification: backbone (a linear probe). "
            "Translation: embeddings, encoder.",
            show_default=False,
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Change a recipe value: schedule.warmup_steps=2000."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")] = False,
) -> None:
    """Train a translator or an image classifier, from nothing or from a model that was trained before.

    Ctrl-C saves the run; --resume goes on with the same batches and the same losses.
    """
    from patchword import api
    from patchword.training.recipe import read_toml, with_settings

    def say(text: str) -> None:
        if not quiet:
            typer.echo(text, err=True)

    paths = [source, target] if source and target else list(data or [])
    if bool(source) != bool(target):
        raise RecipeError("--source and --target go together: one file of sentences, one of their translations")
    start = {name: value for name, value in (("init", init and str(init.resolve())), ("freeze", freeze)) if value}
    if resume and start:
        raise RecipeError(f"--{next(iter(start))} is for a new run; --resume goes on with what the run in {out} has")
    if resume:
        chosen = api.resumed_recipe(out, settings or [])
    elif recipe is None:
        raise RecipeError(
            "which task? patchword train translation|classification --data ... --out ..., or a recipe file"
        )
    elif recipe in api.TASKS:
        given = with_settings(start, settings or [])
        values = _automatic(recipe, paths, validation or [], given, say)
        chosen = api.read_recipe(with_settings(values, settings or []), "--set")
    elif not recipe.endswith(".toml") and not Path(recipe).exists():
        raise RecipeError(f"{recipe!r} is neither a recipe file nor a task; {nearest(recipe, api.TASKS)}")
    else:
        values = {**_located(read_toml(Path(recipe)), paths, validation or []), **start}
        chosen = api.read_recipe(with_settings(values, settings or []), recipe)
    facts = {"command": shlex.join(["patchword", *sys.argv[1:]])}
    outcome = api.train(chosen, out, resume=resume, facts=facts, show=not quiet, say=say)
    if outcome.signal is not None:
        say(f"stopped at step {outcome.step}; go on with: patchword train --resume --out {shlex.quote(str(out))}")
        raise typer.Exit(128 + outcome.signal)
    verb = "translate" if chosen.task == "translation" else "classify"
    say(f"done: the best model is {out}/best; try: patchword {verb} {shlex.quote(str(out))} ...")


def _located(values: dict[str, Any], paths: list[Path], validation: list[Path]) -> dict[str, Any]:
    """A recipe's values with its data where the command line says."""
    table = dict(values.get("data", {}))
    if len(paths) == 1 and (paths[0].is_dir() or not paths[0].exists()):
        table["folder"] = str(paths[0].resolve())
    elif paths:
        table["train"] = [str(path.resolve()) for path in paths]
        table.pop("validation", None)
    if validation:
        table["validation"] = [str(path.resolve()) for path in validation]
    return {**values, "data": table}


def _automatic(task: str, paths: list[Path], validation: list[Path], given: dict[str, Any], say: Any) -> dict[str, Any]:
    """Recipe values for a task without a recipe, picked from the data, the init model and what is given already."""
    from patchword.checkpoints.model_folder import read_description

    if not paths:
        wanted = "--source FILE --target FILE, or --data FILE.tsv" if task == "translation" else "--data FOLDER"
        raise RecipeError(f"train {task} needs its data: {wanted}")
    table: dict[str, Any] = {"train": [str(path.resolve()) for path in paths]}
    if validation:
        table["validation"] = [str(path.resolve()) for path in validation]
    start: dict[str, Any] = {name: given[name] for name in ("init", "freeze") if name in given}
    init = read_description(Path(str(start["init"])), task) if "init" in start else None
    if task == "translation":
        from patchword.text import automatic as text
        from patchword.text.pairs import read_pairs

        if init is not None:
            languages = (init.details.get("source_language", "?"), init.details.get("target_language", "?"))
            values, notes = text.choose_fine_tuning(read_pairs(paths, languages), init.model["d_model"])
        else:
            values, notes = text.choose_recipe(read_pairs(paths))
        if len(paths) == 2 and init is None:
            table["source_language"], table["target_language"] = (
                path.name.removesuffix(".gz").rsplit(".")[-1] for path in paths
            )
    else:
        from patchword.images import automatic as images
        from patchword.images.dataset import read_dataset

        if init is not None:
            size = _image_size(given, init.model["image_size"])
            values, notes = images.choose_fine_tuning(read_dataset(paths[0]), size, start.get("freeze"))
        else:
            values, notes = images.choose_recipe(read_dataset(paths[0]))
    for note in notes:
        say(note)
    return {**values, **start, "data": {**values.get("data", {}), **table}}


def _image_size(given: dict[str, Any], init: list[int]) -> tuple[int, int]:
    """The image size that is given, if it can be one, or else the init model's."""
    preprocessing = given.get("preprocessing")
    size = preprocessing.get("image_size") if isinstance(preprocessing, dict) else None
    proper = isinstance(size, list) and len(size) == 2 and all(isinstance(side, int) and side > 0 for side in size)
    height, width = size if isinstance(size, list) and proper else init
    return height, width
