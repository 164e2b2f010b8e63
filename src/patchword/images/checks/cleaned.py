"""Labelled images without those in which something was found: a table of the others, or a zip of them."""

import csv
import zipfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from patchword.errors import DataError
from patchword.findings import TEST
from patchword.images.archive import Archive
from patchword.images.checks.splits import Split


def write_cleaned(
    splits: Sequence[Split], without: Mapping[str, Collection[str]], folder: Path, name: str
) -> tuple[Path, int]:
    """Write what is left of the images of one folder, zip or table.

    Args:
        splits: those that it has; test images all stay.
        without: names of images to leave out, by split.
        folder: to write into.
        name: of the file, without its suffix.

    Returns:
        a zip of the images of a zip, otherwise a table of path, label and split, whose images stay where they are; and
        how many there are.

    Raises:
        DataError: if a path cannot be written as text, or nothing is left.
    """
    kept = []
    for split in splits:
        gone = () if split.name == TEST else without[split.name]
        labels = (split.data.classes[label] for label in split.data.labels)
        kept += [
            (image, label, split.name)
            for image, label in zip(split.data.names, labels, strict=True)
            if image not in gone
        ]
    origin = splits[0].data.origin
    if not kept:
        raise DataError(origin, "has no image in which nothing was found, so there is nothing to write")
    if origin.suffix.lower() == ".zip" and not origin.is_dir():
        path = folder / f"{name}.zip"
        archive = Archive(origin)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as out:
            for image, _, _ in kept:
                out.writestr(image, archive.picture(image))
        return path, len(kept)
    path = folder / f"{name}.csv"
    several = len(splits) > 1
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["path", "label", *(["split"] if several else [])])
            for image, label, split_name in kept:
                writer.writerow([str(Path(image).resolve()), label, *([split_name] if several else [])])
    except UnicodeEncodeError:
        raise DataError(
            origin, "has paths with bytes that are not UTF-8, which no table can name; rename them"
        ) from None
    return path, len(kept)
