"""Where pictures to classify come from: files, folders of them, and zips."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from patchword.errors import DataError
from patchword.images.archive import Archive
from patchword.images.files import open_image
from patchword.images.listing import EMPTY, Listing, counted, list_folder
from patchword.images.tables import TABLE_SUFFIXES, read_paths


@dataclass(frozen=True)
class Picture:
    """A picture that is not opened yet.

    Attributes:
        name: what to call it.
        decode: opens it, with a limit on its pixels; raises `DataError`.
    """

    name: str
    decode: Callable[[int | None], Image.Image]


def pictures(paths: Sequence[Path | str]) -> tuple[list[Picture], list[str]]:
    """All pictures of some files, folders and zips, in order; nothing is decoded.

    Args:
        paths: a file stands for itself whatever it is, but a .csv or .tsv for the images that it names; in folders and
            zips everything is found that is read, at any depth.

    Returns:
        the pictures, where a folder or zip that cannot be listed, or has none, is one that cannot be decoded; and
        sentences on what was left out.
    """
    found: list[Picture] = []
    notes: list[str] = []
    for path in map(Path, paths):
        try:
            more, note = _inside(path)
        except DataError as error:
            more, note = [Picture(str(path), _failing(error))], None
        found += more
        notes += [note] if note else []
    return found, notes


def _inside(path: Path) -> tuple[list[Picture], str | None]:
    if path.is_dir():
        listing = list_folder(path)
        below = [path.joinpath(*parts) for parts in listing.pictures]
        return _some(path, [_file(each) for each in below]), _left_out(path, listing)
    if path.suffix.lower() == ".zip" and path.exists():
        archive = Archive(path)
        listing = archive.listing()
        names = ["/".join(parts) for parts in listing.pictures]
        return _some(path, [_member(archive, name) for name in names]), _left_out(path, listing)
    if path.suffix.lower() in TABLE_SUFFIXES and path.exists():
        return _some(path, [_file(Path(name)) for name in read_paths(path)]), None
    return [_file(path)], None


def _some(path: Path, found: list[Picture]) -> list[Picture]:
    if not found:
        raise DataError(path, "holds no images")
    return found


def _file(path: Path) -> Picture:
    return Picture(str(path), lambda limit: open_image(path, max_pixels=limit))


def _member(archive: Archive, name: str) -> Picture:
    label = f"{archive.path}: {name}"
    return Picture(label, lambda limit: open_image(archive.picture(name), label, limit))


def _failing(error: DataError) -> Callable[[int | None], Image.Image]:
    def fail(limit: int | None) -> Image.Image:
        raise error

    return fail


def _left_out(path: Path, listing: Listing) -> str | None:
    kinds: dict[str, int] = {}
    for (_, kind), number in listing.left_out.items():
        if kind != EMPTY:
            kinds[kind] = kinds.get(kind, 0) + number
    return f"left out of {path}: {counted(kinds.items())}" if kinds else None
