"""`patchword translate`."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from patchword.errors import DataError

if TYPE_CHECKING:
    from patchword.text.translator import Translation

READ_AHEAD = 1024  # lines sorted by length together; results come out in order


def translate(
    model: Annotated[Path, typer.Argument(help="A model folder, or a run folder.", show_default=False)],
    texts: Annotated[
        list[str] | None, typer.Argument(help="Sentences; without any, standard input is read.", show_default=False)
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="Translate a file, a line in, a line out.", show_default=False)
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
    as_json: Annotated[
        bool, typer.Option("--json", help="An object a line: source, text, score, alternatives.")
    ] = False,
) -> None:
    """Translate sentences, a file, or standard input: a line in, a line out, in order.

    An empty line stays empty. With --n-best N each line becomes N lines: its number, a score, a translation.
    Search options that are left out are the model's own.
    """
    from patchword.text.translator import Translator

    if file is not None and texts:
        raise DataError(file, "give sentences or --file, not both")
    translator = Translator.load(model)
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
    lines = iter(texts) if texts else _lines(file)
    # Somebody who types sees every answer at once; a file goes in larger pieces.
    size = 1 if not texts and file is None and sys.stdin.isatty() else READ_AHEAD
    number = 0
    for chunk in _chunks(lines, size):
        for translation in translator.translate(chunk, options):
            number += 1
            _print(number, translation, n_best, as_json)
        sys.stdout.flush()


def _chunks(lines: Iterator[str], size: int) -> Iterator[list[str]]:
    """Lists of `size` lines; if reading fails, first the lines that came before."""
    chunk: list[str] = []
    try:
        for line in lines:
            chunk.append(line)
            if len(chunk) == size:
                yield chunk
                chunk = []
    except DataError:
        yield chunk
        raise
    yield chunk


def _lines(file: Path | None) -> Iterator[str]:
    """Lines of a file or of standard input, decoded one at a time so that a wrong byte is reported with its line."""
    name = "standard input" if file is None else str(file)
    try:
        stream: IO[bytes] = sys.stdin.buffer if file is None else file.open("rb")
    except FileNotFoundError:
        raise DataError(name, "no such file") from None
    except OSError as error:
        raise DataError(name, f"cannot be read: {error.strerror}") from None
    for number, line in enumerate(stream, 1):
        try:
            yield line.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise DataError(name, f"not UTF-8 text: byte 0x{line[error.start]:02x}", number) from None


def _print(number: int, translation: "Translation", n_best: int, as_json: bool) -> None:
    if as_json:
        alternatives = [{"text": a.text, "score": a.score} for a in translation.alternatives]
        row = {"source": translation.source, "text": translation.text, "score": translation.score}
        print(json.dumps({**row, "alternatives": alternatives}, ensure_ascii=False))
    elif n_best == 1:
        print(translation.text)
    elif not translation.alternatives:
        print(f"{number}\t0.0000\t")
    else:
        for alternative in translation.alternatives:
            print(f"{number}\t{alternative.score:.4f}\t{alternative.text}")
