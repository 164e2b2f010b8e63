"""`patchword train`."""

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from patchword.errors import RecipeError, clipped, nearest, one_line, shown


def train(
    recipe: Annotated[
        str | None, typer.Argument(help="A recipe file; or just: translation, classification.", show_default=False)
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="The run folder to write.", show_default=False)] = ...,  # type: ignore[assignment]
    data: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder of the recipe's files. Without a recipe: a .tsv, .csv, .jsonl or .zip of pairs, or two "
            "aligned files; or images: a folder a class, the same as zip, or a CSV of path,label.",
            show_default=False,
        ),
    ] = None,
    source: Annotated[
        Path | None, typer.Option(help="Translation: source sentences, one a line.", show_default=False)
    ] = None,
    target: Annotated[
        Path | None, typer.Option(help="Translation: their translations, line by line.", show_default=False)
    ] = None,
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
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Architecture, by its name or a short one such as rnn or cnn; one that there is not lists them all.",
            show_default=False,
        ),
    ] = None,
    source_language: Annotated[
        str | None,
        typer.Option(
            help="Translation: such as en; else by the file's name or header, or the script.", show_default=False
        ),
    ] = None,
    target_language: Annotated[
        str | None, typer.Option(help="Translation: such as de; else the same way.", show_default=False)
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Translation: a table's two columns, by number or name.", show_default=False),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="End at the first damaged pair or image; else few are left out.")
    ] = False,
    max_pixels: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Classification: pixels that may be decoded of one image; by default 100 million.",
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

    for path in filter(None, [*(data or []), source, target, *(validation or []), init]):
        # A recipe keeps it, as text.
        if str(path) != str(path).encode(errors="replace").decode():
            raise RecipeError(f"{one_line(str(path))}: its name has bytes that are not UTF-8; rename it")
    for text in filter(None, [source_language, target_language, columns, *(settings or [])]):
        if text != text.encode(errors="replace").decode():
            raise RecipeError(f"{clipped(text)}: has bytes that are not UTF-8")
    paths = [source, target] if source and target else list(data or [])
    if bool(source) != bool(target):
        raise RecipeError("--source and --target go together: one file of sentences, one of their translations")
    start: dict[str, Any] = {"init": init and str(init.resolve()), "freeze": freeze}
    start = {name: value for name, value in start.items() if value}
    if resume and (start or model):
        option = next(iter(start), "model")
        raise RecipeError(f"--{option} is for a new run; --resume goes on with what the run in {out} has")
    chosen_model = [f"model.architecture={model}"] if model else []
    named = {
        "source_language": source_language,
        "target_language": target_language,
        "columns": columns,
        "max_pixels": max_pixels,
    }
    # JSON's strings are TOML's, but for escapes beyond 16 bits and DEL.
    quoted = {name: json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f") for name, value in named.items()}
    of_data = [f"data.{name}={quoted[name]}" for name, value in named.items() if value is not None]
    of_data += ["data.strict=true"] if strict else []
    if resume and of_data:
        raise RecipeError(f"{of_data[0]}: it is for a new run; --resume goes on with what the run in {out} has")
    settings = [*of_data, *(settings or [])]
    say = (lambda _: None) if quiet else (lambda text: typer.echo(one_line(text), err=True))
    if resume:
        chosen = api.resumed_recipe(out, settings)
    elif recipe is None:
        raise RecipeError(
            "which task? patchword train translation|classification --data ... --out ..., or a recipe file"
        )
    elif recipe in api.TASKS:
        given = api.with_settings(start, [*chosen_model, *settings])
        values, notes = api.choose_recipe(recipe, paths, validation or [], given)
        for note in notes:
            say(note)
        chosen = api.read_recipe(api.with_settings(values, settings), "--set")
    elif not recipe.endswith(".toml") and not Path(recipe).exists():
        raise RecipeError(f"{shown(recipe)} is neither a recipe file nor a task; {nearest(recipe, api.TASKS)}")
    else:
        values = {**api.read_recipe_file(recipe, paths, validation or []), **start}
        chosen = api.read_recipe(api.with_settings(values, [*chosen_model, *settings]), recipe)
    # An argument may hold bytes that are no text, and what a model says of itself is text.
    command = shlex.join(["patchword", *sys.argv[1:]]).encode("utf-8", "backslashreplace").decode()
    facts = {"command": command}
    outcome = api.train(chosen, out, resume=resume, facts=facts, show=not quiet)
    if outcome.signal is not None:
        say(f"stopped at step {outcome.step}; go on with: patchword train --resume --out {shlex.quote(str(out))}")
        raise typer.Exit(128 + outcome.signal)
    verb = api.wing_of(chosen.task).verb
    say(f"done: the best model is {out}/best; try: patchword {verb} {shlex.quote(str(out))} ...")
