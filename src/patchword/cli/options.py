"""How options are declared: what is left out changes nothing, and a flag is shown as a flag; and what some mean."""

from typing import Any

import typer

PRECISION = (
    "float32; int8: faster and smaller, a little worse; bfloat16: in between, and fast at many rows only where the "
    "processor multiplies it; auto: bfloat16 there, else float32."
)


def option(help: str, *names: str, panel: str | None = None, **more: Any) -> Any:
    """An option with a value, whose default is not worth a word.

    Args:
        help: a sentence or a few words.
        names: other than that of the parameter.
        panel: the heading that it stands under in the help.
        more: what else `typer.Option` takes.
    """
    return typer.Option(*names, help=help, show_default=False, rich_help_panel=panel, **more)


def flag(help: str, *names: str, panel: str | None = None) -> Any:
    """An option without a value; its only names are given, since typer would add its negation."""
    return typer.Option(*names, help=help, show_default=False, rich_help_panel=panel)


def say_chosen(asked: str, system: Any) -> None:
    """Which precision "auto" is here, on standard error."""
    if asked == "auto":
        typer.echo(f"patchword: precision auto is {system.network.precision} here", err=True)


def opened(model: str, task: str, alone: bool, method: str | None = None, **how: Any) -> Any:
    """A model by its folder or published name, without torch if it can be: torch takes a second to import.

    Args:
        model: as it was typed.
        task: what it must be for.
        alone: whether nothing is wanted of it that takes torch.
        method: of a translator's search; None for its own.
        how: precision, device and reference.
    """
    from patchword import runtime

    found = runtime.suited(model, task, how["precision"], how["device"], method) if alone else None
    if found is not None:
        return found
    from patchword import api

    return api.load(model, task=task, **how)
