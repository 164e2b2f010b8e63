"""Which pictures a folder or a zip holds, and what else is there."""

import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from patchword.errors import DataError, reason
from patchword.images.formats import HEAD, is_picture, other_kind, suffix_of

Parts = tuple[str, ...]  # of a path below the folder or zip

EMPTY = "nothing"
_LITTER = frozenset(
    ("__macosx", "thumbs.db", "desktop.ini", "@eadir", "$recycle.bin", "system volume information", "lost+found")
)
# A folder may be linked to from several places, but links that lead through one another would never end.
_TIMES_READ = 8


@dataclass
class Listing:
    """What was found below a folder or in a zip.

    Attributes:
        pictures: the path of each picture, in order.
        left_out: how many files of which kind are no pictures that are read, by their folder and kind, such as
            (("cat",), ".heic"); `EMPTY` for a folder without files.
    """

    pictures: list[Parts] = field(default_factory=list)
    left_out: Counter[tuple[Parts, str]] = field(default_factory=Counter)

    def add(self, parts: Parts, head: Callable[[], bytes]) -> None:
        """Take a file for a picture or not.

        Args:
            parts: its path.
            head: gives its first bytes.
        """
        begin = b""

        def read() -> bytes:
            nonlocal begin
            begin = head()
            return begin

        try:
            if is_picture(parts[-1], read):
                self.pictures.append(parts)
                return
        except DataError:
            self.left_out[parts[:-1], "unreadable file"] += 1
            return
        self.left_out[parts[:-1], suffix_of(parts[-1]) or other_kind(begin) or "file without a suffix"] += 1


def hidden(name: str) -> bool:
    """Whether a file or folder is what systems leave behind."""
    return name.startswith(".") or name.lower() in _LITTER


def list_folder(folder: Path) -> Listing:
    """Pictures below a folder; links are followed, each circle once.

    Raises:
        DataError: if the folder itself cannot be read.
    """
    found, times = Listing(), Counter[tuple[int, int]]()
    waiting: list[tuple[str, Parts, frozenset[tuple[int, int]]]] = [(str(folder), (), frozenset())]
    while waiting:
        path, parts, above = waiting.pop()
        try:
            known = Path(path).stat()
            place = known.st_dev, known.st_ino
            times[place] += 1
            if place in above or times[place] > _TIMES_READ:
                found.left_out[parts, "link that leads in a circle"] += 1
                continue
            with os.scandir(path) as entries:
                inside = [entry for entry in entries if not hidden(entry.name)]
        except OSError as error:
            if not parts:
                raise DataError(folder, f"cannot be read: {reason(error)}") from None
            found.left_out[parts, "unreadable folder"] += 1
            continue
        if not inside:
            found.left_out[parts, EMPTY] += 1
        for entry in inside:
            below = (*parts, entry.name)
            if _is_folder(entry):
                waiting.append((entry.path, below, above | {place}))
            elif _is_file(entry):
                found.add(below, lambda path=entry.path: _head(path))  # type: ignore[misc]
            else:
                found.left_out[parts, "broken link" if entry.is_symlink() else "device or pipe"] += 1
    found.pictures.sort()
    return found


def counted(left_out: Iterable[tuple[str, int]]) -> str:
    """Kinds with their numbers, as a list for people: "3 .heic, 1 .txt"."""
    return ", ".join(f"{number:,} {kind}" for kind, number in sorted(left_out, key=lambda item: (-item[1], item[0])))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False


def _head(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(HEAD)
    except OSError as error:
        raise DataError(path, f"cannot be read: {reason(error)}") from None
