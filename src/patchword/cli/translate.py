"""`patchword translate`."""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from patchword.cli.catalog import refuse_others, the_file, translate_catalog
from patchword.cli.inputs import refuse_overwriting
from patchword.cli.json_text import json_text
from patchword.cli.lines import LongTexts, without_line_ends
from patchword.cli.options import PRECISION, flag, opened, say_chosen
from patchword.cli.shards import ON, WORKERS, check_on, in_shards
from patchword.errors import DataError, RecipeError, one_line
from patchword.shards.job import identity

if TYPE_CHECKING:
    from patchword.shards.work import Compute

EXAMPLES = """
patchword translate runs/en-de "A man rides a bike."
patchword translate runs/en-de --file a.en --output a.de --resume
patchword translate runs/en-de app.po --output app.de.po
patchword translate runs/en-de --file a.en --n-best 4 --beam 8
patchword translate runs/en-de --file big.txt --output parts/ --on ray
patchword translate runs/en-de "A man rides a bike." --prefix "Ein Mann fährt"
echo "Hello." | patchword translate runs/en-de --method sample --temperature 0.8 --json
"""
READ_AHEAD = 1024  # lines sorted by length together; results come out in order


def translate(
    model: Annotated[str, typer.Argument(help="A model or run folder, or hf:OWNER/NAME.", show_default=False)],
    texts: Annotated[
        list[str] | None,
        typer.Argument(help="Texts, a line each; without any, standard input is read.", show_default=False),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            help="A text file (or .gz), a line in, a line out; - is stdin. Or .po or .xliff, see below.",
            show_default=False,
        ),
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
    prefix: Annotated[
        str | None, typer.Option(help="Begin every translation with this text.", show_default=False)
    ] = None,
    no_split: Annotated[bool, flag("Translate each line as one sentence, however many it has.", "--no-split")] = False,
    output: Annotated[
        Path | None,
        typer.Option(help="Write here, with a progress bar, instead of to standard output.", show_default=False),
    ] = None,
    in_place: Annotated[
        bool, flag("Of a .po or .xliff file: write the translations into the file itself.", "--in-place")
    ] = False,
    resume: Annotated[bool, flag("Go on after the last whole line of --output.", "--resume")] = False,
    on: Annotated[str | None, ON] = None,
    workers: Annotated[int | None, WORKERS] = None,
    precision: Annotated[str, typer.Option(help=PRECISION)] = "float32",
    device: Annotated[str, typer.Option(help="cpu, cuda, mps or auto.")] = "auto",
    reference: Annotated[bool, flag("Run the plain network, not the engine.", "--reference")] = False,
    as_json: Annotated[
        bool,
        flag("An object a line: source, text, score, alternatives, and sentences and notes if there are.", "--json"),
    ] = False,
) -> None:
    """Translate texts, a file, or standard input: a line in, a line out, in order.

    A line of several sentences is cut into them, and their translations are put together with its white space.
    A sentence of more than 256 tokens is translated in parts, and standard error says so with the line's number.
    With --no-split each line is one sentence; one of more than 2,048 tokens cannot be translated.
    An empty line stays empty, and so does one that cannot be translated, which is reported; the exit code is then 1.
    With --n-best N each line becomes N lines: its number, a score, a translation.
    A line of several sentences has the mean of their scores.
    A file of any size takes the same memory: 1,024 lines are read ahead, sorted by length and decoded together.
    With --on ray these are shards, which the cores of this machine or a cluster compute; the parts in the folder
    --output, one after the other, are what the command writes without it.
    Search options that are left out are the model's own.
    Of a .po or .xliff file only what is untranslated or fuzzy is translated, and marked as a machine's.
    Every other byte stays. A text whose placeholders or tags are not kept is left and reported; the exit code is 1.
    """
    from patchword import runtime
    from patchword.cli.lines import LineBar, RecordFile, utf8_argument

    texts = [utf8_argument(text, number) for number, text in enumerate(texts or (), 1)]
    catalog = the_file(texts, file)
    for text in texts if catalog is None else ():
        if file is None and os.path.isfile(text):  # noqa: PTH113 - Path's raises on texts too long for a name
            raise RecipeError(f"{one_line(text)} is a file: did you mean --file {one_line(text)}?")
    file = None if file == Path("-") else file
    if file is not None and texts:
        raise DataError(file, "give sentences or --file, not both")
    if catalog is not None:
        others = {"--n-best": n_best != 1, "--json": as_json, "--resume": resume, "--prefix": prefix is not None}
        others["--on"] = on is not None
        refuse_others(in_place, output, others)
    elif in_place:
        raise RecipeError("--in-place is for a .po or .xliff file; name it with --file")
    if resume and output is None:
        raise RecipeError("--resume goes on with a file; name it with --output")
    check_on(on, workers, output)
    if on is not None and file is None:
        raise RecipeError("--on computes a file's lines; name it with --file")
    if output is not None and file is not None:
        refuse_overwriting(output, [file])
    alone, asked = not reference and on is None, method or (None if beam is None else "beam")
    translator = opened(model, "translation", alone, asked, precision=precision, reference=reference, device=device)
    say_chosen(precision, translator)
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
    if catalog is not None:
        return translate_catalog(translator, options, catalog, output, in_place, split=not no_split)
    if on is not None and file is not None and output is not None:
        loading = {"precision": translator.network.precision, "reference": reference, "device": device}
        shards = _Lines(str(translator.folder.absolute()), loading, options, prefix, not no_split, n_best, as_json)
        does = {"model": translator.folder.name, **shards.told(), "file": identity(file)}
        return in_shards(shards, does, runtime.stream_lines(file), output, resume=resume, workers=workers)
    long, how = LongTexts(), _How(translator, options, prefix, split=not no_split)
    if output is None:
        # Somebody who types sees every answer at once; a file goes in larger pieces.
        size = 1 if not texts and file is None and sys.stdin.isatty() else READ_AHEAD
        for number, line in _translations(how, texts or runtime.stream_lines(file), size):
            long.see(number, line.answer, line.notes)
            sys.stdout.write(_record(number, line, n_best, as_json))
            if number % size == 0:
                sys.stdout.flush()
        return _end(long)
    total = len(texts) if texts else runtime.count_lines(file) if file is not None else None
    with (
        RecordFile(output, resume, numbered=n_best > 1 and not as_json) as records,
        LineBar(total, records.done) as bar,
    ):
        rest = islice(texts or runtime.stream_lines(file), records.done, None)
        for number, line in _translations(how, rest, READ_AHEAD, records.done + 1):
            long.see(number, line.answer, line.notes)
            records.write(_record(number, line, n_best, as_json))
            bar.advance()
    _end(long)


def _end(long: Any) -> None:
    long.tell()
    if long.failed:
        raise typer.Exit(1)


class _Line(NamedTuple):
    """A line's answer: a sentence's or a whole text's translation, and of a text its sentences and notes."""

    answer: Any
    sentences: Sequence[Any] = ()
    notes: Sequence[str] = ()


class _How(NamedTuple):
    """How lines are translated."""

    translator: Any
    options: Any
    prefix: str | None
    split: bool

    def __call__(self, lines: list[str]) -> list[_Line]:
        prefixes = [self.prefix if line.strip() else None for line in lines]  # an empty line stays empty
        if not self.split:
            return [_Line(one) for one in self.translator.translate(lines, self.options, prefixes=prefixes)]
        found = self.translator.translate_text(lines, self.options, prefixes=prefixes)
        # A line that is one sentence is answered as it would be without cutting.
        return [_Line(one.alone) if one.alone else _Line(one, one.sentences, one.notes) for one in found]


class _Lines(NamedTuple):
    """What a worker needs to translate shards of lines."""

    model: str
    loading: dict[str, Any]
    options: Any
    prefix: str | None
    split: bool
    n_best: int
    as_json: bool

    def told(self) -> dict[str, Any]:
        """What decides the translations, beside the lines."""
        settings = {"options": str(self.options), "prefix": self.prefix, "split": self.split, "n_best": self.n_best}
        return {"weights": identity(Path(self.model)), **self.loading, **settings, "json": self.as_json}

    def open(self) -> "Compute":
        """Load the model; see `shards.work.Opener`."""
        from patchword import api
        from patchword.shards.work import Answer

        api.use_threads(1)
        how = _How(api.load(self.model, task="translation", **self.loading), self.options, self.prefix, self.split)

        def compute(first: int, lines: list[str]) -> Answer:
            notes: list[str] = []
            long, records = LongTexts(notes.append), list[str]()
            for number, line in enumerate(how(lines), first):
                long.see(number, line.answer, line.notes)
                records.append(_record(number, line, self.n_best, self.as_json))
            long.tell()
            return Answer("".join(records), notes, long.failed)

        return compute


def _translations(how: _How, lines: Iterable[str], size: int, first: int = 1) -> Iterator[tuple[int, _Line]]:
    from patchword.cli.lines import chunks

    for chunk in chunks(lines, size):
        yield from enumerate(how(chunk), first)
        first += len(chunk)


def _record(number: int, line: _Line, n_best: int, as_json: bool) -> str:
    translation = line.answer
    if as_json:
        alternatives = [{"text": a.text, "score": a.score} for a in translation.alternatives]
        row = {"source": translation.source, "text": translation.text, "score": translation.score}
        parts = [{"source": part.source, "text": part.text, "score": part.score} for part in line.sentences]
        more = {"sentences": parts, "notes": list(line.notes), "error": translation.error}
        row |= {"alternatives": alternatives, **{name: value for name, value in more.items() if value}}
        return json_text(row) + "\n"
    if n_best == 1:
        return without_line_ends(translation.text) + "\n"
    rows = [f"{a.score:.4f}\t{without_line_ends(a.text)}" for a in translation.alternatives]
    # Who reads them counts on their number: an empty line has empty ones, and so has a search that found fewer.
    rows += ["-inf\t" if rows else "0.0000\t"] * (n_best - len(rows))
    return "".join(f"{number}\t{row}\n" for row in rows)
