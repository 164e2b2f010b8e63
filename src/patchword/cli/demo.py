"""`patchword demo`."""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLES = """
patchword demo --out demo
"""


def demo(
    out: Annotated[Path, typer.Option(help="Where models and report.html go.")] = Path("demo"),
    source: Annotated[str, typer.Option("--from", help="Source language, any CLDR locale.")] = "en",
    target: Annotated[str, typer.Option("--to", help="Target language, any CLDR locale.")] = "zh",
    seed: Annotated[int, typer.Option(help="Of data and training.")] = 1,
) -> None:
    """Train both systems on data that comes with the dependencies, and show them working.

    Takes about four minutes on two cores, needs no network, and ends with a page to open.
    """
    from patchword.demo.run import run_demo

    run_demo(out, source, target, seed)
