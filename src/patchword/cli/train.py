"""`patchword train`."""

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from patchword.cli.options import flag, option
from patchword.cli.plan import show_plan
from patchword.errors import RecipeError, clipped, one_line

EXAMPLES = """
patchword train translation --source a.en --target a.de --out runs/en-de
patchword train translation --data pairs.tsv --columns 1,3 --epochs 20 --out runs/en-de
patchword train classification --data photos/ --model cnn --max-minutes 30 --out runs/photos
patchword train classification --data photos/ --init models/vit --freeze backbone --out runs/probe
patchword train recipes/multi30k-en-de.toml --data multi30k/ --set schedule.warmup_steps=800 --out runs/m30k
patchword train --resume --out runs/m30k
patchword train recipes/multi30k-en-de.toml --data multi30k/ --dry-run
torchrun --nproc-per-node 4 -m patchword train recipes/multi30k-en-de.toml --data multi30k/ --out runs/m30k
"""
DATA, MODEL, TRAINING = "Data", "Model", "Training"


def train(
    recipe: Annotated[
        str | None, typer.Argument(help="translation, classification, or a recipe file.", show_default=False)
    ] = None,
    out: Annotated[Path | None, option("The run folder to write; needed, but with --dry-run.", "--out")] = None,
    data: Annotated[
        list[Path] | None,
        option(
            "A .tsv, .csv, .jsonl, .tmx, .po, .xliff or .zip of pairs, or two aligned files; or images: a folder a "
            "class, the same as zip, or a CSV of path,label. With a recipe file: the folder of its files.",
            panel=DATA,
        ),
    ] = None,
    source: Annotated[Path | None, option("Translation: sources, one a line.", panel=DATA)] = None,
    target: Annotated[Path | None, option("Translation: their translations, in order.", panel=DATA)] = None,
    validation: Annotated[
        list[Path] | None,
        option("Validation data (give twice for two aligned files); else some is held out.", panel=DATA),
    ] = None,
    source_language: Annotated[
        str | None,
        option("Translation: such as en; else by file name, header or script (data.source_language).", panel=DATA),
    ] = None,
    target_language: Annotated[
        str | None, option("Translation: such as de; else the same way (data.target_language).", panel=DATA)
    ] = None,
    columns: Annotated[
        str | None,
        option("Translation: a table's two columns, by number or name (data.columns).", metavar="A,B", panel=DATA),
    ] = None,
    strict: Annotated[
        bool,
        flag("End at the first damaged pair or image; else few are left out (data.strict).", "--strict", panel=DATA),
    ] = False,
    max_pixels: Annotated[
        int | None,
        option(
            "Classification: pixels that may be decoded of one image; by default 100 million (data.max_pixels).",
            metavar="N",
            panel=DATA,
        ),
    ] = None,
    model: Annotated[
        str | None, option("transformer or rnn; vit or cnn (model.architecture).", metavar="NAME", panel=MODEL)
    ] = None,
    init: Annotated[
        str | None, option("Fine-tune: start from this model, run, or hf:OWNER/NAME (init).", panel=MODEL)
    ] = None,
    freeze: Annotated[
        str | None,
        option(
            "With --init, what does not train. Classification: backbone, a linear probe. Translation: embeddings, "
            "encoder (freeze).",
            metavar="PART",
            panel=MODEL,
        ),
    ] = None,
    image_size: Annotated[
        int | None,
        option("Classification: pixels a side of what the model sees (preprocessing.image_size).", panel=MODEL),
    ] = None,
    epochs: Annotated[
        int | None, option("How often the data are gone through (training.max_epochs).", panel=TRAINING)
    ] = None,
    max_steps: Annotated[int | None, option("Updates of the weights (training.max_steps).", panel=TRAINING)] = None,
    max_minutes: Annotated[
        float | None, option("At most so long; the learning rate falls by then (training.max_minutes).", panel=TRAINING)
    ] = None,
    batch_size: Annotated[
        str | None,
        option(
            "Images at once (batch_size), of a translator tokens (batch_tokens); auto finds the fastest.",
            metavar="N|auto",
            panel=TRAINING,
        ),
    ] = None,
    learning_rate: Annotated[float | None, option("The highest (optimizer.learning_rate).", panel=TRAINING)] = None,
    seed: Annotated[int | None, option("Of everything random (training.seed).", panel=TRAINING)] = None,
    threads: Annotated[int | None, option("Of the processor (training.threads).", panel=TRAINING)] = None,
    device: Annotated[str | None, option("cpu, cuda, mps or auto (training.device).", panel=TRAINING)] = None,
    parallel: Annotated[
        str | None,
        option("Under torchrun: ddp, or fsdp for networks too large for one GPU (training.parallel).", panel=TRAINING),
    ] = None,
    tensorboard: Annotated[
        bool,
        flag(
            "Curves for TensorBoard too, in tensorboard/ of the run (training.tensorboard).",
            "--tensorboard",
            panel=TRAINING,
        ),
    ] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Any other value of a recipe: schedule.warmup_steps=2000.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    resume: Annotated[bool, flag("Go on with the run in --out.", "--resume")] = False,
    dry_run: Annotated[
        bool,
        flag("Train nothing: say what it would need and take. Shapes, parameters, memory, time.", "--dry-run"),
    ] = False,
    as_json: Annotated[bool, flag("With --dry-run: everything, as one JSON object.", "--json")] = False,
    quiet: Annotated[bool, flag("No progress bar, no notes.", "--quiet", "-q")] = False,
) -> None:
    """Train a translator or an image classifier, from nothing or from a model that was trained before.

    Ctrl-C saves the run; --resume goes on with the same batches and the same losses (with as many --threads).
    """
    from patchword import api

    for path in filter(None, [*(data or []), source, target, *(validation or []), init]):
        # A recipe keeps it, as text.
        if str(path) != str(path).encode(errors="replace").decode():
            raise RecipeError(f"{one_line(str(path))}: its name has bytes that are not UTF-8; rename it")
    for text in filter(None, [source_language, target_language, columns, *(settings or [])]):
        if text != text.encode(errors="replace").decode():
            raise RecipeError(f"{clipped(text)}: has bytes that are not UTF-8")
    if bool(source) != bool(target):
        raise RecipeError("--source and --target go together: one file of sentences, one of their translations")
    if as_json and not dry_run:
        raise RecipeError("--json goes with --dry-run: a training prints no result")
    given: dict[str, Any] = {
        "data": [source, target] if source and target else data or [],
        "validation": validation or [],
        "settings": settings or [],
        "resume": resume,
        "show": not quiet,
        "model": model,
        "init": init,
        "freeze": freeze,
        "image_size": image_size,
        "epochs": epochs,
        "max_steps": max_steps,
        "max_minutes": max_minutes,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "seed": seed,
        "threads": threads,
        "device": device,
        "parallel": parallel,
        "tensorboard": tensorboard or None,
        "source_language": source_language,
        "target_language": target_language,
        "columns": columns,
        "strict": strict or None,
        "max_pixels": max_pixels,
    }
    if dry_run:
        show_plan(api.dry_run(recipe, out, **given), as_json)
        return
    if out is None:
        raise RecipeError("--out is missing: the run folder to write")
    # An argument may hold bytes that are no text, and what a model says of itself is text.
    command = shlex.join(["patchword", *sys.argv[1:]]).encode("utf-8", "backslashreplace").decode()
    outcome = api.train(recipe, out, facts={"command": command}, **given)
    silent = quiet or outcome.rank > 0  # the first of several processes says it
    say: Callable[[str], None] = (lambda _: None) if silent else (lambda text: typer.echo(one_line(text), err=True))
    if outcome.signal is not None:
        say(f"stopped at step {outcome.step}; go on with: patchword train --resume --out {shlex.quote(str(out))}")
        raise typer.Exit(128 + outcome.signal)
    verb = api.wing_of(outcome.task).verb
    say(f"done: the best model is {out}/best; try: patchword {verb} {shlex.quote(str(out))} ...")
