"""One cell of a claim's table: settings and a seed."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from patchword.errors import RecipeError, nearest, shown

_SEED = re.compile(r"seed(\d{1,18})")


@dataclass(frozen=True)
class Cell:
    """Settings and a seed; its text, such as "vit,5%,seed2", is what `--cell` takes and what its file is called.

    Attributes:
        settings: words without commas, slashes or spaces.
        seed: of everything random in it.
        rate: the learning rate that is tried, if it is a cell of tuning.
    """

    settings: tuple[str, ...]
    seed: int
    rate: float | None = None

    def __post_init__(self) -> None:
        assert all(re.fullmatch(r"[^\s,/\\]+", word) for word in self.settings), self.settings

    def __str__(self) -> str:
        rate = [] if self.rate is None else [f"rate{self.rate:g}"]
        return ",".join([*self.settings, *rate, f"seed{self.seed}"])


def find_cell(text: str, known: Iterable[Cell]) -> Cell:
    """A cell by its text; its seed may be any.

    Args:
        text: such as "vit,5%,seed2".
        known: the cells of the claim, those of tuning too.

    Raises:
        RecipeError: if no cell has these settings, with the nearest text.
    """
    known = list(known)
    *words, last = text.replace(" ", "").split(",")
    match = _SEED.fullmatch(last)
    for cell in known:
        if match and str(Cell(cell.settings, 0, cell.rate)).split(",")[:-1] == words:
            return Cell(cell.settings, int(match[1]), cell.rate)
    raise RecipeError(f"no cell {shown(text)}; {nearest(text, [str(cell) for cell in known])}")
