"""The number formats of the engine's weights."""

from typing import Literal

from patchword.errors import RecipeError, nearest, shown

Precision = Literal["float32", "bfloat16", "int8"]
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16", "int8")


def parse_precision(name: str) -> Precision | Literal["auto"]:
    """A precision by its name, or "auto"; see `choice.chosen`.

    Raises:
        RecipeError: if there is no such precision.
    """
    asked: tuple[Precision | Literal["auto"], ...] = (*PRECISIONS, "auto")
    for precision in asked:
        if name == precision:
            return precision
    raise RecipeError(f"unknown precision {shown(name)}; {nearest(name, asked)}")
