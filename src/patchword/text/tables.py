"""Pairs in tables: tab-separated values, and CSV as spreadsheets write it.

TSV has no quoting: a tab always separates. CSV may be separated by commas, semicolons or tabs, and a quoted field may
hold line ends. Without `columns` a row must have two columns, source and target. A first row is a header, and no pair,
if `columns` are names, or if the two cells that would be texts are names of sides ("source", "target") or of languages.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from patchword.errors import DataError, nearest, shown
from patchword.text.files import Damage
from patchword.text.language import language_code

Columns = tuple[int | str, int | str]
Row = tuple[int, list[str]]

_SIDES = frozenset(
    [
        "source",
        "target",
        "src",
        "tgt",
        "trg",
        "ref",
        "reference",
        "translation",
        "text",
        "sentence",
        "sentence1",
        "sentence2",
        "input",
        "output",
        "original",
    ]
)
_DELIMITERS = (",", ";", "\t")
_SAMPLE = 50  # lines that show a CSV's separator
MOST_LINES = 100  # of one row of a CSV


@dataclass
class Table:
    """The rows of a table as pairs of texts.

    Args:
        name: of the file, for messages.
        columns: numbers of the source's and the target's column, from 1, or their names in the first row.
        separator: what it is called in messages.

    Attributes:
        header: names of the two columns, if the first row has them.
    """

    name: str
    columns: Columns | None = None
    separator: str = "tab"
    header: tuple[str, str] | None = None

    @property
    def names(self) -> tuple[str, str] | None:
        """What the file calls the two sides."""
        return self.header

    def pairs(self, rows: Iterator[Row | Damage]) -> Iterator[tuple[int, str, str] | Damage]:
        """The number of a row's line, source and target; or what is wrong with the row.

        Raises:
            DataError: if a column that is named is not there.
        """
        places = (0, 1)
        first = True
        for item in rows:
            if isinstance(item, Damage):
                yield item
                continue
            line, cells = item
            if first:
                first = False
                places, is_header = self._places(line, cells)
                if is_header:
                    self.header = (cells[places[0]].strip(), cells[places[1]].strip())
                    continue
            if self._fits(cells, places):
                yield line, cells[places[0]], cells[places[1]]
            elif not any(cell.strip() for cell in cells):
                yield Damage(self.name, line, "is an empty line", blank=True)
            else:
                yield Damage(self.name, line, self._misfit(len(cells)))

    def _fits(self, cells: Sequence[str], places: tuple[int, int]) -> bool:
        return len(cells) == 2 if self.columns is None else len(cells) > max(places)

    def _misfit(self, count: int) -> str:
        if self.columns is not None:
            return f"has {count} columns; --columns asks for {self.columns[0]} and {self.columns[1]}"
        remedy = "; say which two they are: --columns 1,2" if count > 2 else ""
        return f"has {count} columns; expected source, {self.separator}, target{remedy}"

    def _places(self, line: int, cells: Sequence[str]) -> tuple[tuple[int, int], bool]:
        columns = (1, 2) if self.columns is None else self.columns
        names = [cell.strip().lower() for cell in cells]
        if any(isinstance(column, str) for column in columns):
            for column in columns:
                if isinstance(column, str) and column.lower() not in names:
                    problem = f"no column is called {shown(column)}; {nearest(column, [n[:40] for n in names[:12]])}"
                    raise DataError(self.name, problem, line)
            found = [names.index(c.lower()) if isinstance(c, str) else c - 1 for c in columns]
            if max(found) >= len(cells):
                raise DataError(self.name, self._misfit(len(cells)), line)
            return (found[0], found[1]), True
        places = (int(columns[0]) - 1, int(columns[1]) - 1)
        if not self._fits(cells, places):
            return places, False
        chosen = [names[place] for place in places]
        return places, chosen[0] != chosen[1] and all(n in _SIDES or language_code(n) is not None for n in chosen)


def tab_separated(lines: Iterator[str | Damage]) -> Iterator[Row | Damage]:
    """Rows of a TSV."""
    for number, line in enumerate(lines, 1):
        yield line if isinstance(line, Damage) else (number, line.split("\t"))


def comma_separated(lines: Iterator[str | Damage], name: str) -> Iterator[Row | Damage]:
    """Rows of a CSV; the separator is the one that cuts its first rows alike, or that Excel's "sep=" names."""
    head = list(islice(lines, _SAMPLE))
    texts_of_head = [item for item in head if isinstance(item, str)]
    delimiter, read = _delimiter(texts_of_head), 0
    if texts_of_head and re.fullmatch("sep=.", texts_of_head[0]):
        delimiter, read = texts_of_head[0][-1], head.index(texts_of_head[0]) + 1
        head = head[read:]
    damaged: list[Damage] = []

    def texts() -> Iterator[str]:
        nonlocal read
        for item in chain(head, lines):
            read += 1
            if isinstance(item, str):
                yield f"{item}\n"
            else:
                damaged.append(item)

    reader = csv.reader(texts(), delimiter=delimiter, strict=True)
    while True:
        start = read + 1
        problem, row = "", None
        try:
            row = next(reader, None)
        except csv.Error as error:
            problem = f"no row of a CSV: {error}"
        yield from damaged
        damaged.clear()
        if row is not None and read - start >= MOST_LINES:
            problem = f"a row of {read - start + 1} lines; a quotation mark may not be closed"
        if problem:
            yield from (Damage(name, line, problem) for line in range(start, read + 1))
        elif row is None:
            return
        else:
            yield start, row


def _delimiter(lines: Sequence[str]) -> str:
    """The separator by which most lines have the same number of columns: a comma may be part of a text."""

    def alike(delimiter: str) -> tuple[int, int]:
        widths: Counter[int] = Counter()
        try:
            for row in csv.reader((f"{line}\n" for line in lines), delimiter=delimiter):
                widths[len(row)] += len(row) > 1
        except csv.Error:  # a field that is too long; what was seen before counts
            pass
        width, count = max(widths.items(), key=lambda item: item[::-1], default=(0, 0))
        return count, width

    return max(_DELIMITERS, key=alike)
