"""What a look at some data found, in a form that text and images share."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from patchword.errors import RecipeError, nearest, one_line, shown

TRAIN, VALIDATION, TEST = "training", "validation", "test"  # splits of data

SHOWN = 3  # examples of each kind that people are shown
_CLIPPED = 130  # characters of an example


@dataclass(frozen=True)
class Kind:
    """One thing that can be wrong with an item.

    Attributes:
        name: as `--drop` has it.
        meaning: of an item of this kind, a clause.
        harms: whether it makes a model or its scores worse for certain; what does not may be as it should be.
        about_items: whether single items are found, which can be left out.
    """

    name: str
    meaning: str
    harms: bool = False
    about_items: bool = True


class Finding(NamedTuple):
    """One item, or several that go together, with something wrong.

    Attributes:
        kind: the name of a `Kind`.
        split: that the item is of, such as "training".
        file: that it is in.
        line: of the file, from 1; None where there are no lines.
        text: what was found, in short.
        other: the place of another item that it is like, such as "b.en:12".
    """

    kind: str
    split: str
    file: str
    line: int | None
    text: str
    other: str = ""

    @property
    def place(self) -> str:
        """Where it is, as tools for programmers write it."""
        return self.file if self.line is None else f"{self.file}:{self.line}"

    def __str__(self) -> str:
        other = self.other.removeprefix(f"{self.file}:")
        like = f" (see {other})" if other else ""
        return one_line(f"{self.place}{like}: {clipped(self.text)}" if self.text else f"{self.place}{like}")


def clipped(text: str) -> str:
    """The beginning of a text, as an example shows it."""
    return text if len(text) <= _CLIPPED else f"{text[:_CLIPPED]}..."


@dataclass(frozen=True)
class Findings:
    """Everything that was found.

    Attributes:
        items: what an item is called, such as "pairs".
        counts: how many items each split has.
        kinds: all that was looked for, in order.
        found: in the order of the kinds, and within each in the order of the data.
        notes: sentences on how the data were taken, and what could not be looked for.
        written: the files of each split that have the data without harmful items, and how many items; empty if none
            were asked for.
    """

    items: str
    counts: Mapping[str, int]
    kinds: Sequence[Kind]
    found: Sequence[Finding]
    notes: Sequence[str] = ()
    written: Mapping[str, tuple[Sequence[Path], int]] = field(default_factory=dict)

    @property
    def harmful(self) -> int:
        """How many findings are of kinds that do harm."""
        harms = {kind.name for kind in self.kinds if kind.harms}
        return sum(finding.kind in harms for finding in self.found)

    def of(self, kind: str) -> list[Finding]:
        """The findings of one kind."""
        return [finding for finding in self.found if finding.kind == kind]

    def with_written(self, written: Mapping[str, tuple[Sequence[Path], int]]) -> "Findings":
        """The same, with files that were written."""
        return replace(self, written=written)

    def rows(self) -> list[tuple[Kind, int, list[str]]]:
        """A row a kind that was found: the kind, how often, and the first examples."""
        counts = Counter(finding.kind for finding in self.found)
        examples: dict[str, list[str]] = {}
        for finding in self.found:
            some = examples.setdefault(finding.kind, [])
            if len(some) < SHOWN:
                some.append(str(finding))
        return [(kind, counts[kind.name], examples[kind.name]) for kind in self.kinds if counts[kind.name]]

    def as_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        counts = Counter(finding.kind for finding in self.found)
        return {
            "items": dict(self.counts),
            "harmful": self.harmful,
            "kinds": {
                kind.name: {"meaning": kind.meaning, "harms": kind.harms, "count": counts[kind.name]}
                for kind in self.kinds
            },
            "found": [
                {name: value for name, value in finding._asdict().items() if value not in (None, "")}
                for finding in self.found
            ],
            "notes": list(self.notes),
            "written": {
                split: {"files": [str(path) for path in paths], "items": count}
                for split, (paths, count) in self.written.items()
            },
        }


def dropped(kinds: Sequence[Kind], more: Iterable[str]) -> frozenset[str]:
    """Which kinds of items cleaned data go without: those that do harm, and those that are named.

    Args:
        kinds: all that there are.
        more: names of kinds, in the singular or the plural.

    Raises:
        RecipeError: if there is no such kind, or it is not about single items.
    """
    known = {kind.name: kind for kind in kinds if kind.about_items}
    found = {kind.name for kind in kinds if kind.harms and kind.about_items}
    for name in more:
        single = next((form for form in (name, name.removesuffix("s")) if form in known), None)
        if single is None:
            raise RecipeError(f"--drop {shown(name)}: no such finding that items have; {nearest(name, known)}")
        found.add(single)
    return frozenset(found)
