"""`patchword check`."""

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from patchword.cli.json_text import json_text
from patchword.cli.options import flag, option
from patchword.errors import RecipeError, one_line

EXAMPLES = """
patchword check --source a.en --target a.de --test test.en --test test.de
patchword check --data pairs.tsv --validation val.tsv --json > found.json
patchword check --data photos/ --test test.zip --fix cleaned
patchword check --data pairs.tsv --fix cleaned --drop near-duplicates,copied
patchword check recipes/multi30k-en-de.toml --data multi30k/
"""


def check(
    recipe: Annotated[
        str | None,
        typer.Argument(
            help="translation, classification, or a recipe file; by default what the data look like.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        list[Path] | None,
        option("Training data, as train takes them: give it twice for two aligned files."),
    ] = None,
    source: Annotated[Path | None, option("Translation: sources, one a line.")] = None,
    target: Annotated[Path | None, option("Translation: their translations, in order.")] = None,
    validation: Annotated[
        list[Path] | None, option("Validation data, which training data must not have (twice for two files).")
    ] = None,
    test: Annotated[
        list[Path] | None, option("Test data, which neither of them must have (twice for two files).")
    ] = None,
    source_language: Annotated[
        str | None, option("Translation: such as en; else by file name, script or common words.")
    ] = None,
    target_language: Annotated[str | None, option("Translation: such as de; else the same way.")] = None,
    columns: Annotated[
        str | None, option("Translation: a table's two columns, by number or name.", metavar="A,B")
    ] = None,
    max_tokens: Annotated[
        int | None, option("Translation: the longest side that training takes (data.max_tokens).")
    ] = None,
    max_pixels: Annotated[
        int | None, option("Classification: pixels that may be decoded of one image (data.max_pixels).", metavar="N")
    ] = None,
    fix: Annotated[
        Path | None,
        option(
            "Write training and validation data without what does harm into this new folder (.tmx, .po as .jsonl).",
            metavar="OUT",
        ),
    ] = None,
    drop: Annotated[
        str | None,
        option("With --fix, leave out these kinds too: near-duplicates,copied.", metavar="KIND,..."),
    ] = None,
    as_json: Annotated[bool, flag("Everything that was found, as one JSON object.", "--json")] = False,
    quiet: Annotated[bool, flag("No progress bar, no notes.", "--quiet", "-q")] = False,
) -> None:
    """Look for what is wrong with data before training: damage, repeats, leaks into validation or test data.

    Exit code 1 if something was found that does harm. Nothing is changed; --fix writes cleaned copies.
    """
    from patchword import api

    if bool(source) != bool(target):
        raise RecipeError("--source and --target go together: one file of sentences, one of their translations")
    with api.ProgressPrinter(notes=not quiet) as printer:
        found = api.check(
            [source, target] if source and target else data or [],
            recipe,
            validation=validation or [],
            test=test or [],
            fix=fix,
            drop=[name.strip() for name in (drop or "").split(",") if name.strip()],
            listener=(lambda _: None) if quiet else printer,
            source_language=source_language,
            target_language=target_language,
            columns=columns,
            max_tokens=max_tokens,
            max_pixels=max_pixels,
        )
    if as_json:
        typer.echo(json_text(found.as_dict(), indent=1))
    else:
        _show(found)
        for note in () if quiet else found.notes:
            typer.echo(one_line(note))
    for split, (paths, count) in found.written.items():
        told = f"wrote {count:,} {split} {found.items}: {shlex.join(map(str, paths))}"
        typer.echo(told, err=as_json)
    if found.harmful:
        raise typer.Exit(1)


def _show(found: Any) -> None:
    """A row a kind, and a sentence."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    rows = found.rows()
    looked = ", ".join(f"{number:,} {split} {found.items}" for split, number in found.counts.items())
    if rows:
        table = Table("found", "how often", "what it is, and the first", title=None, show_lines=True)
        for kind, count, examples in rows:
            name = f"[red]{kind.name}[/red]" if kind.harms else kind.name
            table.add_row(name, f"{count:,}", "\n".join([f"{kind.meaning}:", *map(escape, examples)]))
        Console().print(table)
    harms = [f"{count:,} {kind.name}" for kind, count, _ in rows if kind.harms]
    other = [f"{count:,} {kind.name}" for kind, count, _ in rows if not kind.harms]
    typer.echo(f"looked at {looked}")
    typer.echo(f"does harm: {', '.join(harms) or 'nothing'}; worth a look: {', '.join(other) or 'nothing'}")
    if harms and not found.written:
        typer.echo("--fix OUT writes the data without what does harm")
