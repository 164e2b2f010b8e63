"""`patchword translate`."""

import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from patchword.cli.inputs import refuse_overwriting
from patchword.cli.json_text import json_text
from patchword.cli.lines import without_line_ends
from patchword.errors import DataError, RecipeError

READ_AHEAD = 1024  # lines sorted by length together; results come out in order


def translate(
    model: Annotated[Path, typer.Argument(help="A model folder, or a run folder.", show_default=False)],
    texts: Annotated[
        list[str] | None, typer.Argument(help="Sentences; without any, standard input is read.", show_default=False)
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(help="Translate a text file (or .gz), a line in, a line out; - is stdin.", show_default=False),
    ] = None,
    method: Annotated[str | None, typer.Option(help="beam, greedy or sample.", show_default=False)] = None,
    beam: Annotated[int | None, typer.Option(help="Hypotheses kept a sentence.", show_default=False)] = None,
    length_penalty: Annotated[
        float | None,
        typer.Option(help="Above 0 favours longer translations.", show_default=False),
    ] = None,
    max_extra: Annotated[
        int | None,
        typer.Option(help="Tokens that a translation may be longer than its source.", show_default=False),
    ] = None,
    n_best: Annotated[int, typer.Option(help="Print this many translations a line, each with its score.")] = 1,
    temperature: Annotated[float | None, typer.Option(help="For sample: below 1 sharpens.", show_default=False)] = None,
    top_k: Annotated[
        int | None, typer.Option(help="For sample: the k likeliest tokens only; 0 for all.", show_default=False)
    ] = None,
    top_p: Annotated[
        float | None, typer.Option(help="For sample: the likeliest tokens up to this probability.", show_default=False)
    ] = None,
    seed: Annotated[int | None, typer.Option(help="For sample.", show_default=False)] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Write here, with a progress bar, instead of to standard output.", show_default=False),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on after the last whole line of --output.")] = False,
    precision: Annotated[str, typer.Option(help="float32, or int8: faster and smaller, a little worse.")] = "float32",
    reference: Annotated[bool, typer.Option("--reference", help="Run the plain network, not the engine.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="An object a line: source, text, score, alternatives.")
    ] = False,
) -> None:
    """Translate sentences, a file, or standard input: a line in, a line out, in order.

    A file of any size takes the same memory: 1,024 lines are read ahead, sorted by length and decoded together.
    An empty line stays empty. With --n-best N each line becomes N lines: its number, a score, a translation.
    A text of more than 2,048 tokens is reported, its line stays empty, and the exit code is 1.
    Search options that are left out are the model's own.
    """
    from patchword import api
    from patchword.cli.lines import LineBar, LongTexts, RecordFile, utf8_argument

    texts = [utf8_argument(text, number) for number, text in enumerate(texts or (), 1)]
    file = None if file == Path("-") else file
    if file is not None and texts:
        raise DataError(file, "give sentences or --file, not both")
    if resume and output is None:
        raise RecipeError("--resume goes on with a file; name it with --output")
    if output is not None and file is not None:
        refuse_overwriting(output, [file])
    translator: Any = api.load(model, task="translation", precision=precision, reference=reference)
    options = translator.options.changed(
        {
            "method": method,
            "beam": beam,
            "length_penalty": length_penalty,
            "max_extra": max_extra,
            "n_best": n_best,
            "temperature": temperature,
            "top_k": top_k,
            "top_p": top_p,
            "seed": seed,
        },
        "translate",
    )
    long = LongTexts()
    if output is None:
        # Somebody who types sees every answer at once; a file goes in larger pieces.
        size = 1 if not texts and file is None and sys.stdin.isatty() else READ_AHEAD
        for number, translation in _translations(translator, texts or api.stream_lines(file), options, size):
            long.see(number, translation)
            sys.stdout.write(_record(number, translation, n_best, as_json))
            if number % size == 0:
                sys.stdout.flush()
        return _end(long)
    total = len(texts) if texts else api.count_lines(file) if file is not None else None
    with (
        RecordFile(output, resume, numbered=n_best > 1 and not as_json) as records,
        LineBar(total, records.done) as bar,
    ):
        rest = islice(texts or api.stream_lines(file), records.done, None)
        for number, translation in _translations(translator, rest, options, READ_AHEAD, records.done + 1):
            long.see(number, translation)
            records.write(_record(number, translation, n_best, as_json))
            bar.advance()
    _end(long)


def _end(long: Any) -> None:
    long.tell()
    if long.failed:
        raise typer.Exit(1)


def _translations(
    translator: Any, lines: Iterable[str], options: Any, size: int, first: int = 1
) -> Iterator[tuple[int, Any]]:
    from patchword.cli.lines import chunks

    for chunk in chunks(lines, size):
        yield from enumerate(translator.translate(chunk, options), first)
        first += len(chunk)


def _record(number: int, translation: Any, n_best: int, as_json: bool) -> str:
    if as_json:
        alternatives = [{"text": a.text, "score": a.score} for a in translation.alternatives]
        row = {"source": translation.source, "text": translation.text, "score": translation.score}
        row |= {"alternatives": alternatives, **({"error": translation.error} if translation.error else {})}
        return json_text(row) + "\n"
    if n_best == 1:
        return without_line_ends(translation.text) + "\n"
    rows = [f"{a.score:.4f}\t{without_line_ends(a.text)}" for a in translation.alternatives]
    # Who reads them counts on their number: an empty line has empty ones, and so has a search that found fewer.
    rows += ["-inf\t" if rows else "0.0000\t"] * (n_best - len(rows))
    return "".join(f"{number}\t{row}\n" for row in rows)
