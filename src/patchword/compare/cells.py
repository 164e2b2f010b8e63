"""What was computed, a file a cell: written whole or not at all, and read again by whoever goes on or gathers."""

import json
import math
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from patchword.checkpoints.json_file import read_json_file
from patchword.compare.cell import Cell
from patchword.compare.claim import Claim, Setup
from patchword.errors import DataError
from patchword.files import write_text


@dataclass(frozen=True)
class Record:
    """One cell's figures and what made them.

    Attributes:
        claim: its number.
        cell: its text.
        scale: "quick" or "full".
        data: what was read; see `Claim.data`.
        edition: of the claim.
        rate: the learning rate used; 0 where nothing is tuned.
        figures: finite numbers.
        seconds: that the cell took.
        command: that computes this cell alone.
        versions: of everything that the numbers depend on, and the machine.
    """

    claim: str
    cell: str
    scale: str
    data: str
    edition: int
    rate: float
    figures: Mapping[str, float]
    seconds: float
    command: str
    versions: Mapping[str, str]

    def stands_for(self, other: "Record") -> bool:
        """Whether it is of the same cell, with the same claim, size, data and learning rate."""
        keys = ("claim", "cell", "scale", "data", "edition", "rate")
        return all(getattr(self, key) == getattr(other, key) for key in keys)


class Store:
    """The folder of cells, `CLAIM/SCALE/CELL.json`.

    Args:
        folder: made when the first cell is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.damaged: set[Path] = set()

    def path(self, claim: Claim, setup: Setup, cell: Cell) -> Path:
        """Where a cell is kept."""
        return self.folder / claim.number / setup.scale / f"{cell}.json"

    def read(self, claim: Claim, setup: Setup, cell: Cell, rate: float) -> Record | None:
        """A cell that was computed with the same claim, size, data and learning rate; None if there is none.

        A file that cannot be read counts as none and is noted in `damaged`.
        """
        path = self.path(claim, setup, cell)
        if not path.exists():
            return None
        try:
            record = parsed(read_json_file(path))
        except (OSError, ValueError, DataError):
            self.damaged.add(path)
            return None
        return record if record.stands_for(new_record(claim, setup, cell, rate)) else None

    def write(self, claim: Claim, setup: Setup, cell: Cell, record: Record) -> None:
        """Keep a cell.

        Raises:
            OutputError: if it cannot be written.
        """
        path = self.path(claim, setup, cell)
        write_text(path, json.dumps(asdict(record), indent=1, allow_nan=False) + "\n")
        self.damaged.discard(path)


def new_record(
    claim: Claim,
    setup: Setup,
    cell: Cell,
    rate: float,
    figures: Mapping[str, float] | None = None,
    seconds: float = 0.0,
) -> Record:
    """A record of this version on this machine.

    Raises:
        ValueError: if a figure is no finite number.
    """
    for name, value in (figures or {}).items():
        if not math.isfinite(value):
            raise ValueError(f"claim {claim.number}, cell {cell}: {name} is {value}; expected a finite number")
    numbers = {name: float(value) for name, value in (figures or {}).items()}
    data, command = claim.data(setup), command_for(claim, setup, cell)
    edition = claim.edition
    return Record(
        claim.number,
        str(cell),
        setup.scale,
        data,
        edition,
        rate,
        numbers,
        seconds,
        command,
        dict(versions(setup.device)),
    )


def command_for(claim: Claim, setup: Setup, cell: Cell) -> str:
    """What computes a cell alone; the first seed is said where it is not the usual one, since rates are tuned on it."""
    options = ["--full"] if setup.full else []
    options += [f"--seed {setup.seed}"] if setup.seed != Setup.seed else []
    options += ["--data DIR"] if claim.data(setup) != "generated" else []
    options += [f"--device {setup.device}"] if setup.device != Setup.device else []
    return " ".join([f"patchword compare {claim.number} --cell {cell}", *options])


def parsed(values: Any) -> Record:
    """A record from JSON.

    Raises:
        ValueError: if it is none.
    """
    try:
        record = Record(**values)
        figures = {str(name): float(value) for name, value in record.figures.items()}
        versions = {str(name): str(value) for name, value in record.versions.items()}
    except (TypeError, AttributeError):
        raise ValueError("is no record of a cell") from None
    if not all(map(math.isfinite, [*figures.values(), record.rate, record.seconds])):
        raise ValueError("has a figure that is no number")
    return Record(**{**asdict(record), "figures": figures, "versions": versions})


@lru_cache(maxsize=4)
def versions(device: str) -> dict[str, str]:
    """Of everything that the numbers depend on."""
    from patchword import __version__

    return {
        "patchword": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": _processor() if device == "cpu" else torch.cuda.get_device_name(device),
        "threads": "1",
    }


def _processor() -> str:
    """The processor's name, which decides the last bits of a sum."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
