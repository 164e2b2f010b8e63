"""Parallel text: pairs of sentences with the line that each came from."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import IO

from patchword.errors import DataError
from patchword.text.archives import is_zip, member, members
from patchword.text.files import Damage, lines_of, opened, read_lines
from patchword.text.formats.kinds import kind_of
from patchword.text.formats.reading import read_units
from patchword.text.formats.unit import Units
from patchword.text.language import named_language
from patchword.text.normalisation import is_blank
from patchword.text.objects import JsonLines, Languages
from patchword.text.tables import Columns, Table, comma_separated, tab_separated

__all__ = ["Columns", "Damage", "Pair", "Parallel", "read_lines", "read_pairs", "read_parallel", "read_training_pairs"]

MOST_DAMAGED = 0.05  # of the lines that have something in them, in training
MOST_LISTED = 1_000_000  # damaged or blank lines of one text, in memory


@dataclass(frozen=True)
class Pair:
    """A sentence and its translation; `line` counts from 1 in the file or files that it was read from."""

    source: str
    target: str
    line: int


@dataclass(frozen=True)
class Parallel:
    """Parallel text as it is.

    Attributes:
        pairs: what can be used.
        damaged: what cannot, in the order of the lines.
        named: what the file calls the two sides: keys, a header's cells, or the languages that the names of a zip's two
            files say; None if it does not.
    """

    pairs: list[Pair]
    damaged: list[Damage]
    named: tuple[str, str] | None = None

    def tolerable(self, path: Path) -> "Parallel":
        """The same, if so little is damaged that training can go without it; lines without anything do not count.

        Raises:
            DataError: if more than `MOST_DAMAGED` is, or everything.
        """
        bad = [damage for damage in self.damaged if not damage.blank and not damage.unused]
        whole = len(self.pairs) + len(bad)
        if len(bad) > MOST_DAMAGED * whole:
            if len(bad) == whole:
                raise bad[0].error()
            share = f"more than the {100 * MOST_DAMAGED:g} % that are left out"
            first = f"the first is line {bad[0].line}: {bad[0].problem}"
            raise DataError(path, f"{len(bad):,} of {whole:,} pairs are damaged, {share}; {first}")
        if not self.pairs:
            raise self._none(path)
        return self

    def whole(self, path: Path) -> "Parallel":
        """The same, if nothing is damaged.

        Raises:
            DataError: with the first line that is, or if there are no pairs.
        """
        if not self.pairs and all(damage.blank or damage.unused for damage in self.damaged):
            raise self._none(path)
        bad = next((damage for damage in self.damaged if not damage.unused), None)
        if bad is not None:
            raise bad.error()
        return self

    def _none(self, path: Path) -> DataError:
        unused = next((f": {damage.problem}" for damage in self.damaged if damage.unused), "")
        return DataError(path, f"holds no sentence pairs{unused}")


def read_pairs(paths: Sequence[Path], languages: Languages | None = None, columns: Columns | None = None) -> list[Pair]:
    """Read parallel text of which every line must be a pair; see `read_parallel`.

    Raises:
        DataError: naming file and line: unequal line counts, an empty side, a row that is no pair, no pairs at all.
    """
    return read_parallel(paths, languages, columns).whole(paths[0]).pairs


def read_training_pairs(
    paths: Sequence[Path], languages: Languages | None = None, columns: Columns | None = None, strict: bool = False
) -> tuple[list[Pair], list[Damage]]:
    """Read parallel text of which a little may be damaged; see `read_parallel`.

    Args:
        paths: see `read_parallel`.
        languages: see `read_parallel`.
        columns: see `read_parallel`.
        strict: whether nothing may be damaged.

    Returns:
        the pairs, and what is left out, which is not more than `MOST_DAMAGED` of all.

    Raises:
        DataError: if more is damaged, or a file cannot be read at all.
    """
    parallel = read_parallel(paths, languages, columns)
    found = parallel.whole(paths[0]) if strict else parallel.tolerable(paths[0])
    return found.pairs, found.damaged


def read_parallel(
    paths: Sequence[Path], languages: Languages | None = None, columns: Columns | None = None
) -> Parallel:
    """Read parallel text.

    Args:
        paths: two aligned files, a sentence a line; or one file: .tsv or .csv (see `tables`), .jsonl (see `objects`),
            .tmx, .po, .mo or .xliff (see `formats`), or a zip of one of them or of two aligned files. Any of them may
            be gzip. Of another name, the first line tells what it is.
        languages: of source and target, where they are said: keys of JSON objects, languages of a translation
            memory, and the order of a zip's files.
        columns: of a table; see `tables.Table`. Of JSON lines two keys, whatever languages are said.

    Raises:
        DataError: if a file cannot be read at all, or two have unequal numbers of lines.
    """
    said = languages or (None, None)
    if columns is not None and len(paths) == 2:
        raise DataError(paths[0], "two aligned files have no columns; --columns is for one table")
    with ExitStack() as stack:
        if len(paths) == 2:
            streams = [(str(path), stack.enter_context(opened(path))) for path in paths]
        elif is_zip(paths[0]):
            names = members(paths[0], said)
            streams = [(f"{paths[0]}/{name}", stack.enter_context(member(paths[0], name))) for name in names]
            if len(names) == 2:
                sides = [named_language(Path(name)) or "" for name in names]
                return replace(_sorted(_aligned(*streams)), named=(sides[0], sides[1]))
        else:
            streams = [(str(paths[0]), stack.enter_context(opened(paths[0])))]
        if len(paths) == 2:
            return _sorted(_aligned(*streams))
        return _one_file(*streams[0], said, columns)


def _aligned(source: tuple[str, IO[bytes]], target: tuple[str, IO[bytes]]) -> Iterator[Pair | Damage]:
    sources, targets = (list(lines_of(stream, name)) for name, stream in (source, target))
    if len(sources) != len(targets):
        raise DataError(
            target[0], f"has {len(targets):,} lines, but {source[0]} has {len(sources):,}; line N must translate line N"
        )
    for line, (s, t) in enumerate(zip(sources, targets, strict=True), 1):
        if isinstance(s, Damage):
            yield s
        elif isinstance(t, Damage):
            yield t
        else:
            yield _pair(s, t, line, (source[0], target[0]))


def _one_file(name: str, stream: IO[bytes], languages: Languages, columns: Columns | None) -> Parallel:
    named, found = rows_of_file(name, stream, languages, columns)
    both = (name, name)
    items = (item if isinstance(item, Damage) else _pair(item[1], item[2], item[0], both) for item in found)
    parallel = _sorted(items, ends_blank=True)
    if isinstance(named, Units) and (notes := named.notes()):
        parallel.damaged.append(Damage(name, 1, f"units left out: {notes}", unused=True))
    return Parallel(parallel.pairs, parallel.damaged, named.names)


def rows_of_file(
    name: str, stream: IO[bytes], languages: Languages = (None, None), columns: Columns | None = None
) -> tuple[Table | JsonLines | Units, Iterator[tuple[int, str, str] | Damage]]:
    """The rows of one file of pairs as they come: line, source and target; and what knows the names of its sides.

    Raises:
        DataError: if its name and its first line do not tell what it is.
    """
    if kind := kind_of(name, stream):
        if columns is not None:
            raise DataError(name, f"is {kind}, which has no columns; --columns is for tables")
        units = read_units(name, kind, stream, languages)
        return units, units.rows
    lines = lines_of(stream, name)
    head = list(islice(lines, 1))
    kind = _kind(name, head)
    whole = chain(head, lines)
    if kind == "json":
        keys = JsonLines(name, languages if columns is None else _keys(name, columns))
        return keys, keys.pairs(whole)
    table = Table(name, columns, "tab" if kind == "tab" else "comma")
    return table, table.pairs(tab_separated(whole) if kind == "tab" else comma_separated(whole, name))


def _keys(name: str, columns: Columns) -> Languages:
    """Columns of JSON lines, which are keys."""
    first, second = columns
    if isinstance(first, str) and isinstance(second, str):
        return first, second
    raise DataError(name, f"JSON lines have keys, not the columns {first} and {second}; say --columns KEY,KEY")


def _kind(name: str, head: Sequence[str | Damage]) -> str:
    ending = name.lower().removesuffix(".gz").rsplit(".", 1)[-1]
    kinds = {"tsv": "tab", "tab": "tab", "csv": "comma", "jsonl": "json", "json": "json", "ndjson": "json"}
    if ending in kinds:
        return kinds[ending]
    first = head[0] if head and isinstance(head[0], str) else ""
    if first.lstrip().startswith(("{", "[")):
        return "json"
    if "\t" in first:
        return "tab"
    raise DataError(
        name,
        "one file must be .tsv or .jsonl, .csv, .tmx, .po, .mo, .xliff, or a .zip of one; otherwise give two, a "
        "source and a target",
    )


def _pair(source: str, target: str, line: int, names: tuple[str, str]) -> Pair | Damage:
    pair = Pair(source.strip(), target.strip(), line)
    if not is_blank(pair.source) and not is_blank(pair.target):
        return pair
    empty = [is_blank(pair.source), is_blank(pair.target)]
    side = 0 if empty[0] else 1
    return Damage(names[side], line, f"the {('source', 'target')[side]} side is empty", blank=all(empty))


def _sorted(items: Iterator[Pair | Damage], ends_blank: bool = False) -> Parallel:
    """Pairs and damage apart.

    Args:
        items: in the order of the lines.
        ends_blank: whether empty lines at the end are no lines at all.
    """
    pairs: list[Pair] = []
    damaged: list[Damage] = []
    for item in items:
        if isinstance(item, Pair):
            pairs.append(item)
        else:
            damaged.append(item)
            if len(damaged) > MOST_LISTED:
                raise DataError(item.file, f"has more than {MOST_LISTED:,} lines that are blank or damaged")
    last = pairs[-1].line if pairs else 0
    while ends_blank and damaged and damaged[-1].blank and damaged[-1].line > last:
        damaged.pop()
    return Parallel(pairs, damaged)
