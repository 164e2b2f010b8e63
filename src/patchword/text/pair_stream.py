"""Pairs of texts as they come, for files of any size; every line is one, in order."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path

from patchword.errors import DataError
from patchword.text.archives import is_zip
from patchword.text.files import Damage, count_lines, opened, stream_lines
from patchword.text.formats.kinds import kind_of
from patchword.text.objects import Languages
from patchword.text.pairs import rows_of_file
from patchword.text.tables import Columns


def count_pairs(path: Path) -> int | None:
    """How many pairs `stream_pairs` has of a file and its like; None where that is known at the end alone."""
    with opened(path) as stream:
        if kind_of(str(path), stream) is not None:
            return None
    return count_lines(path)


def stream_pairs(
    paths: Sequence[Path], columns: Columns | None = None, languages: Languages = (None, None)
) -> Iterator[tuple[str, str]]:
    """Sources and targets, either of which may be empty.

    Args:
        paths: two aligned files, a sentence a line; or one .tsv, .csv, .jsonl, .tmx, .po, .mo or .xliff; see
            `pairs.read_parallel`.
        columns: of a table; see `tables.Table`.
        languages: of source and target, where they are said; see `pairs.read_parallel`.

    Raises:
        DataError: before the first pair, if two files have unequal numbers of lines or a file cannot be read; after the
            pairs before it, if a line is no pair.
    """
    if len(paths) == 2:
        counts = [count_lines(path) for path in paths]
        if counts[0] != counts[1]:
            raise DataError(
                paths[1],
                f"has {counts[1]:,} lines, but {paths[0]} has {counts[0]:,}; line N must translate line N",
            )
        yield from zip_longest(*map(stream_lines, paths), fillvalue="")
        return
    path = paths[0]
    if is_zip(path):
        raise DataError(path, "is a zip, which is not read line by line; unpack it")
    with opened(path) as stream:
        for item in rows_of_file(str(path), stream, languages, columns)[1]:
            if not isinstance(item, Damage):
                yield item[1], item[2]
            elif item.blank:
                yield "", ""
            else:
                raise item.error()
