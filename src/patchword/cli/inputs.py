"""Files that a verb reads, beside the one that it writes."""

import os
from collections.abc import Iterable
from pathlib import Path

from patchword.errors import RecipeError


def refuse_overwriting(output: Path, inputs: Iterable[Path]) -> None:
    """See that an output is none of the files that are read.

    Raises:
        RecipeError: if it is, by whatever name or link.
    """
    for path in inputs:
        # Unlike Path's own, these say no of a name that is too long.
        if os.path.exists(output) and os.path.exists(path) and os.path.samefile(output, path):  # noqa: PTH110, PTH121
            raise RecipeError(f"--output {output} is a file that is read; give it another name")
