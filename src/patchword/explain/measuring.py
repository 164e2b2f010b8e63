"""How well explanations explain, as a table: what is measured is the task's own (see `measured`)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import singledispatch
from pathlib import Path
from typing import Any

from patchword.checkpoints.description import EXPLANATION
from patchword.checkpoints.json_file import read_json_file
from patchword.errors import DataError
from patchword.files import write_text
from patchword.system import System
from patchword.training.events import Listener, ignore


@dataclass(frozen=True)
class Table:
    """What was measured.

    Attributes:
        title: what it is, and of what.
        columns: headings.
        rows: a cell a column, as people read them.
        notes: sentences below it: what was chosen, and how to read it.
        kept: what explanations of this model say from now on, for JSON; see `keep`.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    kept: Mapping[str, Any] = field(default_factory=dict)


@singledispatch
def measured(
    system: System, data: Sequence[Path], listener: Listener | None = None, seed: int = 1, images: int = 64
) -> Table:
    """Measure a system's explanations; each task registers its own way.

    Args:
        system: a translator or a classifier.
        data: paths: sentence pairs with known word links for a translator, labelled images for a classifier.
        listener: hears how far it is.
        seed: of what is drawn.
        images: how many, for a classifier.

    Raises:
        DataError: if the data cannot be used.
    """
    raise TypeError(f"nothing measures the explanations of a {type(system).__name__}")


def measure(
    system: System, data: Sequence[Path], listener: Listener = ignore, seed: int = 1, images: int = 64
) -> Table:
    """See `measured`; every task's way is known here."""
    from patchword.explain import alignment_error, faithfulness  # noqa: F401 - register themselves

    return measured(system, data, listener, seed, images)


def keep(system: System, table: Table) -> Path | None:
    """Write what was measured into the system's model folder, from where explanations read it.

    Returns:
        the file; None if the system came from no folder, or there is nothing to keep.

    Raises:
        OutputError: if it cannot be written.
    """
    if system.folder is None or not table.kept:
        return None
    path = system.folder / EXPLANATION
    write_text(path, json.dumps({**kept(system), **table.kept}, indent=2, ensure_ascii=False) + "\n")
    return path


def kept(system: System) -> dict[str, Any]:
    """What was measured of a system's explanations; empty if nothing was, or what is there is no such file."""
    if system.folder is None:
        return {}
    try:
        found = read_json_file(system.folder / EXPLANATION)
    except (DataError, OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
