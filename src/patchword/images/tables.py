"""Tables of pictures and their classes, as spreadsheets and data sets write them."""

import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from patchword.errors import DataError, reason, shown
from patchword.files import regular
from patchword.images.files import MAX_BYTES
from patchword.images.formats import IMAGE_SUFFIXES, suffix_of, words
from patchword.images.layout import WHOLE, Item, class_name, role_of

TABLE_SUFFIXES = (".csv", ".tsv")
_DELIMITERS = ",;\t|"
_PATHS = words(
    "path file filename filepath image imagepath imagefile imagefilename imagename img imgpath imgname "
    "imgfile picture photo pic relativepath filepaths filenames paths images imageid imgid uri id name"
)
_LABELS = words(
    "label labels class classes classname classlabel category categories categoryname target labelname "
    "species breed y tag type diagnosis"
)
_SPLITS = words("split set subset partition usage dataset fold")
_ENDINGS = ("", *sorted(IMAGE_SUFFIXES), *sorted(map(str.upper, IMAGE_SUFFIXES)))
_INDICES = ("", "unnamed0", "index", "idx", "no", "nr", "row", "#")

Row = tuple[int, list[str]]  # its line, and its cells


@dataclass(frozen=True)
class _Columns:
    """Which column is what; `split` is None where none is."""

    path: int
    label: int
    split: int | None = None


def read_table(path: Path) -> tuple[list[Item], list[str]]:
    """The rows of a table of images: comma, semicolon, tab or bar; UTF-8 or UTF-16; with or without a row of names.

    The columns are found by their names, such as file_name and label; without names they are path,label, perhaps after
    a column that counts the rows. Paths are absolute or relative to the table, with slashes or backslashes. If a column
    names splits, rows of none are left out.

    Returns:
        the images; and sentences on what was taken how, and left out.

    Raises:
        DataError: naming line and problem: no such image, a row without path or label, columns that are not clear.
    """
    rows = _rows(path, _text(path))
    first = next(rows, None)
    if first is None:
        raise DataError(path, "holds no rows; expected path,label")
    folder = str(path.parent)
    columns = _named(path, first)
    if columns is None:
        columns = _guessed(folder, first[1])
        rows = _again(first, rows)
    found, splits, widest = [], [], 0
    for line, cells in rows:
        name = _cell(cells, columns.path)
        label = _cell(cells, columns.label)
        if not name or not label:
            raise DataError(path, f"expected path,label, found {shown(','.join(cells))}", line)
        for cell in (name, label):
            if re.search(rf"[\r\n].*[{_DELIMITERS}]", cell, re.DOTALL):  # whole rows in one cell
                raise DataError(path, f"rows in the cell {shown(cell)}; is a quote not closed?", line)
        image = _image(folder, name)
        if image is None:
            raise DataError(path, f"no such image: {shown(str(Path(folder, name)))[1:-1]}", line)
        splits.append("" if columns.split is None else _cell(cells, columns.split))
        widest = max(widest, sum(bool(cell.strip()) for cell in cells))
        found.append(Item(role_of(splits[-1]) or WHOLE, class_name(label), image))
    if not found:
        raise DataError(path, "holds no rows; expected path,label")
    notes = (
        [f"took column {columns.path + 1} of {path} for paths, {columns.label + 1} for labels"] if widest > 2 else []
    )
    if any(item.role for item in found):
        rest = Counter(split for item, split in zip(found, splits, strict=True) if not item.role)
        notes += [f"left out of {path}: {number:,} rows of the split {shown(split)}" for split, number in rest.items()]
        found = [item for item in found if item.role]
    return found, notes


def names_pictures(path: Path) -> bool:
    """Whether a table is one of pictures: its first rows name files that are there, or its columns are named so."""
    try:
        first = list(islice(_rows(path, _text(path)), 5))
        if first and _named(path, first[0]) is not None:
            return True
    except DataError:
        return False
    folder = str(path.parent)
    return any(suffix_of(cell.strip()) in IMAGE_SUFFIXES and _image(folder, cell) for _, row in first for cell in row)


def read_paths(path: Path) -> list[str]:
    """The images that a table names, whatever else it has; one that is not there is in the list all the same.

    The column is found as in `read_table`, but no other is needed.

    Raises:
        DataError: if the table cannot be read.
    """
    rows, folder = _rows(path, _text(path)), str(path.parent)
    first = next(rows, None)
    if first is None:
        raise DataError(path, "holds no rows; expected the paths of images")
    images = [place for place, cell in enumerate(first[1]) if _image(folder, cell)]
    named = _by_name([_plain(cell) for cell in first[1]], _PATHS)
    column = (images or named or [0])[0]
    rest = _again(first, rows) if images or not named else rows
    names = [_cell(cells, column) for _, cells in rest]
    return [_image(folder, name) or str(Path(folder, name)) for name in names if name]


def _text(path: Path) -> str:
    """The table's text, whatever its encoding of the two that spreadsheets write."""
    try:
        size = regular(path, "a CSV file").stat().st_size
        if size > MAX_BYTES:
            raise DataError(path, f"has {size:,} bytes, more than the {MAX_BYTES:,} that are allowed")
        content = path.read_bytes()
    except OSError as error:
        raise DataError(path, f"cannot be read: {reason(error)}") from None
    encoding = "utf-8-sig"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif content[:64].count(0) * 3 > len(content[:64]):
        encoding = "utf-16-le" if content[1:2] == b"\0" else "utf-16-be"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        name = "UTF-8" if encoding == "utf-8-sig" else "UTF-16"
        raise DataError(path, f"not {name} text: byte 0x{content[error.start]:02x}; save it as UTF-8", line) from None


def _rows(path: Path, text: str) -> Iterator[Row]:
    """The rows that are not empty, with the line that each ends in."""
    skipped = 0
    first = text[:2000].lstrip().split("\n", 1)[0].strip()
    if first.lower().startswith("sep=") and len(first) == 5:
        # What Excel puts before everything else.
        delimiter, skipped = first[4], text.index("\n") + 1 if "\n" in text else len(text)
    else:
        delimiter = _delimiter(text)
    rows = csv.reader(io.StringIO(text[skipped:], newline=""), delimiter=delimiter)
    try:
        for row in rows:
            if any(cell.strip() for cell in row):
                yield rows.line_num + (1 if skipped else 0), row
    except csv.Error as error:
        raise DataError(path, f"not a CSV of path,label: {error}", rows.line_num) from None


def _delimiter(text: str) -> str:
    """What stands between the cells: what gives the first rows two columns or more, the most of them the same."""
    best, found = (0, 0, 0), ","
    for delimiter in _DELIMITERS:
        lengths: list[int] = []
        header = 0
        try:
            for row in csv.reader(io.StringIO(text[:20_000], newline=""), delimiter=delimiter):
                if not lengths:
                    names = [_plain(cell) for cell in row]
                    header = any(n in _PATHS for n in names) + any(n in _LABELS for n in names)
                lengths.append(len(row))
                if len(lengths) == 20:
                    break
        except csv.Error:
            continue
        if lengths and lengths[0] > 1:
            score = header, sum(length == lengths[0] for length in lengths), 1
            if score > best:
                best, found = score, delimiter
    return found


def _named(path: Path, first: Row) -> _Columns | None:
    """The columns by the names in the first row; None if it has none.

    Raises:
        DataError: if it has a name for one of the two, and none or several columns could be the other.
    """
    names = [_plain(cell) for cell in first[1]]
    paths, labels = _by_name(names, _PATHS), _by_name(names, _LABELS)
    split = next(iter(_by_name(names, _SPLITS)), None)
    if paths and labels:
        return _Columns(paths[0], labels[0], split)
    if not paths and not labels:
        return None
    known = (paths or labels)[0]
    # A first row that has an image is no row of names.
    if any(_image(str(path.parent), cell) for cell in first[1]):
        return None
    rest = [i for i, name in enumerate(names) if i not in (known, split) and name not in _INDICES]
    if len(rest) != 1:
        kind = "label" if paths else "path"
        raise DataError(
            path, f"none of its columns is named {kind}: {shown(','.join(first[1]))}; expected path,label", first[0]
        )
    return _Columns(known, rest[0], split) if paths else _Columns(rest[0], known, split)


def _by_name(names: Sequence[str], wanted: Sequence[str]) -> list[int]:
    return [names.index(name) for name in wanted if name in names]


def _guessed(folder: str, cells: Sequence[str]) -> _Columns:
    """The columns of a table without names: the first that is an image, and the first other that is no row number."""
    images = [i for i, cell in enumerate(cells) if _image(folder, cell.strip())]
    if not images:
        return _Columns(1, 2) if len(cells) == 3 and cells[0].strip().isdigit() else _Columns(0, 1)
    path = images[0]
    rest = [i for i in range(len(cells)) if i != path]
    if len(rest) > 1 and cells[0].strip().isdigit() and path == 1:
        rest = rest[1:]
    return _Columns(path, rest[0] if rest else path + 1)


def _image(folder: str, name: str) -> str | None:
    """The file that a cell names, if it is there.

    Data sets leave suffixes out, Windows writes backslashes, and systems compose accents differently.
    """
    name = name.strip()
    if not name or "\0" in name:
        return None
    forms = (name, name.replace("\\", "/"))
    for written in dict.fromkeys(unicodedata.normalize(form, text) for text in forms for form in ("NFC", "NFD")):
        place = str(Path(folder, written))
        for ending in ("",) if suffix_of(written) in IMAGE_SUFFIXES else _ENDINGS:
            try:
                if Path(f"{place}{ending}").is_file():
                    return f"{place}{ending}"
            except OSError:  # a name too long to be one
                break
    return None


def _again(first: Row, rows: Iterator[Row]) -> Iterator[Row]:
    yield first
    yield from rows


def _cell(cells: Sequence[str], column: int) -> str:
    return cells[column].strip() if column < len(cells) else ""


def _plain(name: str) -> str:
    """A column's name without what people write differently: case, spaces, dashes, underscores."""
    return "".join(char for char in name.casefold() if char.isalnum() or char == "#")
