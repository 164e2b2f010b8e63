"""`patchword bench`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from patchword.images.classifier import ImageClassifier
    from patchword.text.translator import Translator

WAYS = {"reference": ("float32", True), "float32": ("float32", False), "int8": ("int8", False)}


def bench(
    model: Annotated[Path, typer.Argument(help="A model folder, or a run folder.", show_default=False)],
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads; else all.", show_default=False)] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Repetitions; the median is shown.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="An object a measurement.")] = False,
) -> None:
    """Measure how fast a model is on this machine: the reference network, and the engine in float32 and int8.

    Translation: made-up sentences of 16 tokens into at most 32; classification: made-up images, without reading files.
    """
    import torch
    from rich.console import Console
    from rich.table import Table

    from patchword import api
    from patchword.engine.native import variant

    if threads is not None:
        torch.set_num_threads(threads)
    columns: dict[str, dict[str, float]] = {}
    unit = ""
    for way, (precision, reference) in WAYS.items():
        system = api.load(model, precision=precision, reference=reference)  # type: ignore[arg-type]
        unit, rows = _measured(system, rounds)
        for name, values in rows.items():
            if as_json:
                typer.echo(json.dumps({"way": way, "threads": torch.get_num_threads(), "kernels": variant(), **values}))
            columns.setdefault(name, {})[way] = values[f"{unit.split()[0]}_a_second"]  # type: ignore[assignment]
    if as_json:
        return
    title = f"{unit}, {torch.get_num_threads()} threads, {variant()} kernels"
    table = Table("", *WAYS, "int8 / reference", title=title)
    for name, speeds in columns.items():
        ratio = speeds["int8"] / speeds["reference"]
        table.add_row(name, *(f"{speeds[way]:.1f}" for way in WAYS), f"{ratio:.1f}")
    Console().print(table)


def _measured(system: "Translator | ImageClassifier", rounds: int) -> tuple[str, dict[str, dict[str, object]]]:
    if system.task == "translation":
        from patchword.text.speed import translation_speeds

        return "sentences a second", {
            f"{s.method}, {s.sentences} at once": asdict(s)
            for s in translation_speeds(system, rounds=rounds)  # type: ignore[arg-type]
        }
    from patchword.images.speed import classification_speeds

    return "images a second", {
        f"{s.images} at once": asdict(s)
        for s in classification_speeds(system, rounds=rounds)  # type: ignore[arg-type]
    }
