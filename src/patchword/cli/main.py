"""`patchword`: the verbs, and how their errors are told."""

import os
import sys
from io import TextIOWrapper
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from patchword import OF_TRAINING, __version__
from patchword.cli import (
    align,
    bench,
    check,
    classify,
    compare,
    demo,
    evaluate,
    explain,
    export,
    import_,
    info,
    models,
    serve,
    train,
    translate,
)
from patchword.errors import PatchwordError, SaidElsewhereError, clipped, one_line, reason
from patchword.memory import is_out_of_memory


class _Verb(TyperCommand):
    """A verb in whose help also the flags that typer adds are shown as flags, without a type."""

    def get_params(self, *arguments: Any) -> list[Any]:
        return _plain(super().get_params(*arguments))


class _Verbs(TyperGroup):
    """The same of the program itself."""

    def get_params(self, *arguments: Any) -> list[Any]:
        return _plain(super().get_params(*arguments))


def _plain(params: list[Any]) -> list[Any]:
    for param in params:
        if getattr(param, "is_flag", False):
            param.metavar = ""
    return params


app = typer.Typer(
    name="patchword",
    cls=_Verbs,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Train, run and look inside Transformers, text to text and image to class, beside an RNN and a CNN.",
)
for module in (
    check,
    train,
    translate,
    classify,
    evaluate,
    explain,
    align,
    import_,
    export,
    info,
    models,
    bench,
    compare,
    serve,
    demo,
):
    name = module.__name__.rpartition(".")[2]
    examples = "\n\n".join(["Examples:", *module.EXAMPLES.strip().splitlines()])
    app.command(name.rstrip("_"), cls=_Verb, epilog=examples)(getattr(module, name))


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def _speak_utf8() -> None:
    """Text in and out is UTF-8, whatever PYTHONIOENCODING, a locale or a Windows code page say."""
    # Who closed a stream that a program is started with has nothing to say there, and wants to hear nothing.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def main() -> None:
    """Entry point. Exit codes: 0 all well, 1 an item of many failed, 2 wrong input or usage, 128 + n on signal n."""
    _speak_utf8()
    try:
        try:
            app()
        except SystemExit:
            sys.stdout.flush()  # here, where a full disk can still be told
            raise
    except SaidElsewhereError:
        sys.exit(2)
    except PatchwordError as error:
        _refuse(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output went away (`| head`): not an error, but Python would print one at exit.
        _forget_output()
        sys.exit(0)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in OF_TRAINING:
            raise
        _refuse(f"this needs the package {package}: pip install 'patchword[train]'")
    except Exception as error:
        if is_out_of_memory(error):
            what = clipped(str(error).partition("\n")[0])
            _refuse(f"there is not enough memory{f': {what}' if what else ''}; use smaller batches or models")
        if not isinstance(error, OSError):
            raise
        # Whatever nobody expected of a file, or standard output on a full disk.
        if error.filename is None:
            _forget_output()
        name = "standard output" if error.filename is None else os.fsdecode(error.filename)
        _refuse(f"{name}: {reason(error)}")


def _refuse(sentence: str) -> NoReturn:
    typer.echo(f"patchword: {one_line(sentence)}", err=True)
    sys.exit(2)


def _forget_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
