"""The figures of all cells of a claim, as verdicts and plots ask for them."""

from collections.abc import Mapping

from patchword.compare.cell import Cell
from patchword.compare.statistics import Interval, interval, paired


class Results:
    """Figures by cell.

    Args:
        figures: of every cell of the claim, without those of tuning.
        full: whether the cells are of the full size.
    """

    def __init__(self, figures: Mapping[Cell, Mapping[str, float]], full: bool = False) -> None:
        self.figures = dict(figures)
        self.full = full

    def settings(self, place: int) -> list[str]:
        """The words that stand at a place of the settings, in the order of the cells, each once."""
        return list(dict.fromkeys(cell.settings[place] for cell in self.figures if len(cell.settings) > place))

    def numbers(self, side: str) -> list[str]:
        """What the second settings are where the first is a side, in the order of the cells."""
        return list(dict.fromkeys(cell.settings[1] for cell in self.figures if cell.settings[0] == side))

    def values(self, figure: str, *settings: str) -> list[float]:
        """A figure of the cells with these settings, by seed.

        Raises:
            KeyError: if there is no such cell or figure.
        """
        found = {cell.seed: values[figure] for cell, values in self.figures.items() if cell.settings == settings}
        if not found:
            raise KeyError(",".join(settings))
        return [found[seed] for seed in sorted(found)]

    def mean(self, figure: str, *settings: str) -> Interval:
        """Its mean over the seeds, with the 95 % interval."""
        return interval(self.values(figure, *settings))

    def difference(self, figure: str, first: tuple[str, ...], second: tuple[str, ...]) -> Interval:
        """Of first - second, paired by seed."""
        return paired(self.values(figure, *first), self.values(figure, *second))

    def ratio(self, figure: str, first: tuple[str, ...], second: tuple[str, ...]) -> Interval:
        """Of first / second, paired by seed."""
        pairs = zip(self.values(figure, *first), self.values(figure, *second), strict=True)
        return interval([above / below for above, below in pairs])
