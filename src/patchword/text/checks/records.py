"""Pairs as they come, one at a time, whatever is wrong with them; and which lines each of them takes."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import IO, NamedTuple

from patchword.errors import DataError
from patchword.text.archives import is_zip, member, members
from patchword.text.files import Damage, count_lines, lines_of, opened
from patchword.text.formats.kinds import kind_of
from patchword.text.language import language_code, named_language
from patchword.text.objects import Languages
from patchword.text.pairs import read_parallel, rows_of_file
from patchword.text.tables import Columns


class Record(NamedTuple):
    """Two sides of a line, either of which may be empty."""

    file: str
    line: int
    source: str
    target: str


class Text(NamedTuple):
    """Parallel text as `pairs.read_parallel` takes it.

    Attributes:
        paths: of two aligned files, or one.
        languages: of source and target, where they are said.
        columns: of a table.
    """

    paths: Sequence[Path]
    languages: Languages = (None, None)
    columns: Columns | None = None

    @property
    def by_line(self) -> bool:
        """Whether a record is some lines, so that the text can be written without it; a translators' file's is not.

        Raises:
            DataError: if it cannot be read.
        """
        files = self.files()
        if len(files) == 2:
            return True
        with ExitStack() as stack:
            return kind_of(files[0][0], self.open(stack, 0)) is None

    @property
    def named(self) -> Languages:
        """The languages that are said, or that the names of two files or a translators' file say."""
        names: Languages = (None, None)
        if len(self.paths) == 2:
            names = named_language(self.paths[0]), named_language(self.paths[1])
        elif not self.by_line:
            names = self._within()
        return self.languages[0] or names[0], self.languages[1] or names[1]

    def _within(self) -> Languages:
        """The languages that a translators' file names with its first pair."""
        with ExitStack() as stack:
            units, rows = rows_of_file(self.files()[0][0], self.open(stack, 0), self.languages)
            next(rows, None)
            source, target = units.names or ("", "")
        return language_code(source), language_code(target)

    def size(self) -> int:
        """About how many records there are; 0 if that is not known before they are read."""
        return 0 if is_zip(self.paths[0]) or not self.by_line else count_lines(self.paths[0])

    def files(self) -> list[tuple[str, str]]:
        """The files that have the lines: what each is called in messages, and its name within a zip, if there is one.

        Raises:
            DataError: if a zip cannot be read.
        """
        if len(self.paths) == 1 and is_zip(self.paths[0]):
            return [(f"{self.paths[0]}/{name}", name) for name in members(self.paths[0], self.languages)]
        return [(str(path), "") for path in self.paths]

    def open(self, stack: ExitStack, number: int) -> IO[bytes]:
        """The bytes of one of `files`."""
        name = self.files()[number][1]
        return stack.enter_context(member(self.paths[0], name) if name else opened(self.paths[number]))

    def records(self) -> Iterator[Record | Damage]:
        """Every record in its order.

        Raises:
            DataError: if a file cannot be read at all; after the records, if two files have unequal numbers of lines.
        """
        if not self.by_line:
            yield from self._units()
            return
        files = [name for name, _ in self.files()]
        with ExitStack() as stack:
            streams = [self.open(stack, number) for number in range(len(files))]
            if len(files) == 2:
                yield from _aligned(files, streams)
                return
            for item in rows_of_file(files[0], streams[0], self.languages, self.columns)[1]:
                yield item if isinstance(item, Damage) else Record(files[0], item[0], item[1].strip(), item[2].strip())

    def _units(self) -> Iterator[Record | Damage]:
        parallel = read_parallel(self.paths, self.languages, self.columns)
        file = self.files()[0][0]
        found: list[Record | Damage] = [Record(file, pair.line, pair.source, pair.target) for pair in parallel.pairs]
        left_out = [damage for damage in parallel.damaged if damage.unused]
        found = sorted([*found, *(each for each in parallel.damaged if not each.unused)], key=lambda item: item.line)
        for item, line in zip(found, _lines([item.line for item in found]), strict=True):
            yield replace(item, line=line) if isinstance(item, Damage) else item._replace(line=line)
        yield from left_out


def _lines(lines: list[int]) -> list[int]:
    """The lines of units, each only once.

    The second of two that share a line, such as a message's plural, has the next one's number. Where more do, as in a
    file without line ends, the place in their order is told.
    """
    apart: list[int] = []
    for line in lines:
        apart.append(max(line, apart[-1] + 1) if apart else line)
    few = all(new - line <= 1 for new, line in zip(apart, lines, strict=True))
    return apart if few else list(range(1, len(lines) + 1))


def _aligned(files: Sequence[str], streams: Sequence[IO[bytes]]) -> Iterator[Record | Damage]:
    counts = [0, 0]
    for line, both in enumerate(zip_longest(*map(lines_of, streams, files)), 1):
        for side in (0, 1):
            counts[side] += both[side] is not None
        if None in both:
            continue
        damage = next((item for item in both if isinstance(item, Damage)), None)
        yield damage if damage is not None else Record(files[0], line, str(both[0]).strip(), str(both[1]).strip())
    if counts[0] != counts[1]:
        raise DataError(
            files[1], f"has {counts[1]:,} lines, but {files[0]} has {counts[0]:,}; line N must translate line N"
        )
