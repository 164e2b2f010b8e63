"""Translators' files on the command line: `patchword translate MODEL app.po`."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from patchword.cli.inputs import refuse_overwriting
from patchword.errors import RecipeError, one_line


def the_file(texts: list[str], file: Path | None) -> Path | None:
    """The PO or XLIFF file that is meant by --file or by the only text; None if lines are."""
    from patchword import runtime

    if file is not None:
        return file if runtime.is_filled(file) else None
    named = [text for text in texts if runtime.is_filled(text) and Path(text).is_file()]
    if named and len(texts) > 1:
        raise RecipeError(f"{one_line(named[0])} is a file, which is translated alone; give one at a time")
    return Path(named[0]) if named else None


def refuse_others(in_place: bool, output: Path | None, refused: Mapping[str, bool]) -> None:
    """See that no option is given that a translators' file has no place for.

    Raises:
        RecipeError: naming the option.
    """
    if in_place and output is not None:
        raise RecipeError("give --output or --in-place, not both")
    for option, given in refused.items():
        if given:
            raise RecipeError(f"{option} is for lines of text; a PO or XLIFF file has one translation in each place")


def translate_catalog(
    translator: Any, options: Any, file: Path, output: Path | None, in_place: bool, split: bool
) -> None:
    """Fill a file and write it; without an output to standard output. What is left is said; the exit code is then 1."""
    from patchword import catalogs
    from patchword.cli.lines import LineBar
    from patchword.files import check_output, write_bytes

    if output is not None:
        refuse_overwriting(output, [file])
    target = file.resolve() if in_place else output
    if target is None:
        found = catalogs.fill(translator, file, options, split=split)
        sys.stdout.buffer.write(found.content)
        sys.stdout.buffer.flush()
    else:
        check_output(target)
        with LineBar(None, 0, "texts") as bar:
            found = catalogs.fill(translator, file, options, split=split, started=bar.expect, advanced=bar.advance)
        write_bytes(target, found.content)
    for sentence in catalogs.sentences(found, file):
        typer.echo(f"patchword: {one_line(sentence)}", err=True)
    if found.left:
        raise typer.Exit(1)
