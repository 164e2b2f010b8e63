"""`patchword align`."""

import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from patchword.cli.inputs import refuse_overwriting
from patchword.cli.json_text import json_text
from patchword.cli.options import flag, option
from patchword.errors import RecipeError, one_line

EXAMPLES = """
patchword align runs/en-de --source a.en --target a.de > links.txt
patchword align runs/en-de --data pairs.tsv --output links.txt --resume
patchword align runs/en-de --source a.en --target a.de --json
"""
READ_AHEAD = 2048  # pairs sorted by length together; results come out in order


def align(
    model: Annotated[str, typer.Argument(help="A translator: its folder, or hf:OWNER/NAME.", show_default=False)],
    source: Annotated[Path | None, option("Sentences, one a line.", "--source")] = None,
    target: Annotated[Path | None, option("Their translations, line by line.", "--target")] = None,
    data: Annotated[Path | None, option("Both in one .tsv, .csv, .jsonl, .tmx, .po or .xliff.", "--data")] = None,
    columns: Annotated[str | None, option("A table's two columns, by number or name: 1,3.", "--columns")] = None,
    output: Annotated[
        Path | None, option("Write here, with a progress bar, instead of to standard output.", "--output")
    ] = None,
    resume: Annotated[
        bool,
        flag(
            "Go on after the last whole line of --output; what failed before it is not told or counted again.",
            "--resume",
        ),
    ] = False,
    as_json: Annotated[bool, flag("An object a line: source and target words, links.", "--json")] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps or auto.")] = "auto",
) -> None:
    """Say which words of given sentences and translations are each other's: a line of "0-0 1-2" a pair, in order.

    Words are counted from 0. Spaces separate them; in Chinese, Japanese or Thai each character is one, and --json shows
    them. The model is made to write the given translation, and links are read from where it looked, in the way that
    `explain --measure` found best. A pair with an empty side has an empty line, and so has one that is too long, which
    is reported; the exit code is 1 then.
    """
    from patchword import api, inside
    from patchword.cli.lines import LineBar, RecordFile

    paths = [path for path in (source, target) if path is not None]
    if len(paths) == 1 or (paths and data is not None) or not (paths or data is not None):
        raise RecipeError("what to align? --source FILE --target FILE, or --data FILE of both")
    if resume and output is None:
        raise RecipeError("--resume goes on with a file; name it with --output")
    paths = [data] if data is not None else paths
    if output is not None:
        refuse_overwriting(output, paths)
    system = api.load(model, device=device)
    links = Links(inside.translating(system, model), as_json)
    pairs = inside.stream_pairs(paths, columns, links.languages)
    if output is None:
        for record in links.of(pairs, 0):
            sys.stdout.write(record)
    else:
        total = inside.count_pairs(paths[0])
        with RecordFile(output, resume, numbered=False) as records, LineBar(total, records.done) as bar:
            for record in links.of(islice(pairs, records.done, None), records.done):
                records.write(record)
                bar.advance()
    if links.failed:
        raise typer.Exit(1)


class Links:
    """Records of pairs.

    Args:
        translator: that aligns them.
        as_json: whether a record is an object, or links alone.

    Attributes:
        failed: whether a pair could not be aligned.
        languages: of source and target, as the translator's are called.
    """

    def __init__(self, translator: Any, as_json: bool) -> None:
        from patchword.explain.aligner import reading_of

        self.failed = False
        self.languages: tuple[str, str] = translator.languages
        self._translator, self._as_json = translator, as_json
        self._reading = reading_of(translator)[0]

    def of(self, pairs: Iterator[tuple[str, str]], done: int) -> Iterator[str]:
        """A line a pair; one that cannot be aligned is told at once.

        Args:
            pairs: sources and targets.
            done: how many came before them.
        """
        from patchword.cli.lines import chunks
        from patchword.explain.aligner import align as aligned

        for chunk in chunks(pairs, READ_AHEAD):
            found = aligned(self._translator, [s for s, _ in chunk], [t for _, t in chunk], self._reading)
            for number, pair in enumerate(found, done + 1):
                if pair.error is not None:
                    self.failed = True
                    typer.echo(f"patchword: line {number}: {one_line(pair.error)}", err=True)
                yield self._record(pair)
            done += len(chunk)

    def _record(self, pair: Any) -> str:
        from patchword.explain.alignment import pharaoh

        if not self._as_json:
            return pharaoh(pair.links) + "\n"
        row = {"source": list(pair.source), "target": list(pair.target), "links": [list(link) for link in pair.links]}
        return json_text(row | ({"error": pair.error} if pair.error else {})) + "\n"
