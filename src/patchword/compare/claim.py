"""What a claim is: what is said, what is varied and held equal, the rule fixed before the run, and the verdict."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

import torch

from patchword.compare.cell import Cell
from patchword.compare.plots import Plot
from patchword.compare.results import Results
from patchword.compare.words import Text

Scale = Literal["quick", "full"]
Outcome = Literal["supported", "contradicted", "undecided"]
Figures = Mapping[str, float]


@dataclass(frozen=True)
class Setup:
    """What a whole run has in common.

    Attributes:
        scale: "quick", minutes for all claims; or "full", hours.
        seed: the first; cells have this one and those that follow.
        data: a folder with corpora by name, such as `cifar10/` and `multi30k/`.
        device: where networks are trained, by torch's name.
    """

    scale: Scale = "quick"
    seed: int = 1
    data: Path | None = None
    device: str = "cpu"

    @property
    def full(self) -> bool:
        """Whether this is the honest size."""
        return self.scale == "full"

    def seeds(self, count: int = 3) -> range:
        """The seeds of a claim's cells."""
        return range(self.seed, self.seed + count)

    def corpus(self, name: str) -> Path | None:
        """The folder of a corpus in `data`, if it is there."""
        folder = None if self.data is None else self.data / name
        return folder if folder is not None and folder.is_dir() else None


@dataclass(frozen=True)
class Work:
    """What a cell is run with. The global generators were seeded from the claim, the cell's settings and its seed.

    Attributes:
        setup: of the whole run.
        claim: its number.
        seed: the cell's.
        rate: the learning rate: the tuned one, or the one that a tuning cell tries; 0 where nothing is tuned.
        tell: hears which fraction of the cell is done.
    """

    setup: Setup
    claim: str
    seed: int
    rate: float = 0.0
    # The same work is the same, whoever listens.
    tell: Callable[[float], None] = field(default=lambda fraction: None, compare=False)

    def generator(self, what: str = "data") -> torch.Generator:
        """A fresh generator for data and for the order of batches: the same for all settings of one seed, so that both
        sides read the same.
        """
        return torch.Generator().manual_seed(seed_of(self.claim, what, self.seed))


class Verdict(NamedTuple):
    """What the figures say.

    Attributes:
        outcome: by the claim's rule.
        why: the figures in a sentence.
        needs: what it would take to decide, where it is undecided.
    """

    outcome: Outcome
    why: Text
    needs: Text | None = None


def judged(sides: Iterable[int], why: Text, needs: Text) -> Verdict:
    """A verdict from where intervals lie (`Interval.side`): supported if all do above, contradicted if all do below.

    Args:
        sides: 1 above, -1 below, 0 on both sides of a threshold.
        why: the figures.
        needs: what it would take, said where the verdict is undecided.
    """
    found = set(sides)
    if found == {1}:
        return Verdict("supported", why)
    return Verdict("contradicted", why) if found == {-1} else Verdict("undecided", why, needs)


def judged_all(sides: Iterable[int], why: Text, needs: Text) -> Verdict:
    """Like `judged`, for a rule whose conditions must all hold: contradicted if any interval is below."""
    found = set(sides)
    return judged({-1} if -1 in found else found, why, needs)


class Minutes(NamedTuple):
    """About how long a claim's cells take one after the other, those of tuning too, on one core."""

    quick: float
    full: float


class Claim(ABC):
    """One claim; a subclass is a file in `claims/`, and `registry.py` has a line for it.

    Attributes:
        number: as the table of claims has it, such as "2a".
        slug: the name of its file.
        title: a few words.
        said: what is said.
        source: where: paper and section.
        varied: what differs between the cells.
        equal: what is held equal.
        controls: what could sink the claim, and how it is handled.
        supports: what counts for it, fixed before the run.
        contradicts: what counts against it; anything else leaves it undecided.
        minutes: that its cells take.
        rates: the grid of learning rates that each group of cells is tuned on by its `validation` figure; none: no cell
            is tuned.
        corpora: of `Setup.data`, the corpora that it uses where they are there.
        alone: whether its cells measure time or memory, so that no other cell may run beside them.
        edition: raised when cells would give other figures than before, so that stored ones are computed again.
    """

    number: ClassVar[str]
    slug: ClassVar[str]
    title: ClassVar[Text]
    said: ClassVar[Text]
    source: ClassVar[Text]
    varied: ClassVar[Text]
    equal: ClassVar[Text]
    controls: ClassVar[Sequence[Text]]
    supports: ClassVar[Text]
    contradicts: ClassVar[Text]
    minutes: ClassVar[Minutes]
    rates: ClassVar[Sequence[float]] = ()
    corpora: ClassVar[Sequence[str]] = ()
    alone: ClassVar[bool] = False
    edition: ClassVar[int] = 1

    @abstractmethod
    def cells(self, setup: Setup) -> list[Cell]:
        """Every cell, without those of tuning."""

    @abstractmethod
    def run(self, cell: Cell, work: Work) -> Figures:
        """The figures of one cell; finite numbers. A tuned claim's have `validation`, of which more is better.

        Figures whose names begin with "seconds" or "bytes" are measured, and differ from run to run.
        """

    @abstractmethod
    def verdict(self, results: Results) -> Verdict:
        """By the rule, from the figures of all cells and from nothing else."""

    @abstractmethod
    def plots(self, results: Results) -> list[Plot]:
        """Pictures of the figures."""

    def group(self, cell: Cell) -> tuple[str, ...]:
        """The settings that are tuned together: one learning rate for all cells of a group."""
        return cell.settings

    def tuning(self, cell: Cell, setup: Setup) -> list[Cell]:
        """The cells that try each rate of the grid for a cell's group, on the run's first seed."""
        first = next(each for each in self.cells(setup) if self.group(each) == self.group(cell))
        return [Cell(first.settings, setup.seed, rate) for rate in self.rates]

    def data(self, setup: Setup) -> str:
        """What the cells read: names of corpora, or "generated"."""
        return " and ".join(name for name in self.corpora if setup.corpus(name)) or "generated"


def seed_of(*parts: object) -> int:
    """A seed of 63 bits from whatever names something."""
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
