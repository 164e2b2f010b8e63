"""Labelled images: a folder a class, a zip of that, or a CSV of path,label."""

import csv
import os
import random
import zipfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from PIL import Image

from patchword.errors import DataError, nearest
from patchword.images.files import IMAGE_SUFFIXES, open_image


@dataclass(frozen=True)
class LabelledImages:
    """Images with their classes.

    Attributes:
        origin: the folder, zip or CSV.
        names: a path for each image: on disk, or inside the zip.
        labels: for each image, the index of its class.
        classes: class names, sorted.
    """

    origin: Path
    names: tuple[str, ...]
    labels: tuple[int, ...]
    classes: tuple[str, ...]
    _archives: dict[int, zipfile.ZipFile] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.names)

    def name_of(self, index: int) -> str:
        """What to call an image in messages."""
        return f"{self.origin}: {self.names[index]}" if self._is_zip else self.names[index]

    def open(self, index: int) -> Image.Image:
        """Decode one image, as RGB.

        Raises:
            DataError: naming the image, if it cannot be read.
        """
        if not self._is_zip:
            return open_image(Path(self.names[index]))
        try:
            content = self._archive.read(self.names[index])
        except (OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError, KeyError) as error:
            raise DataError(self.name_of(index), f"cannot be read: {error}") from None
        return open_image(content, self.name_of(index))

    def subset(self, indices: Sequence[int]) -> "LabelledImages":
        """Some of the images, with all class names."""
        names, labels = (tuple(part[i] for i in indices) for part in (self.names, self.labels))
        return replace(self, names=names, labels=labels)  # type: ignore[arg-type]

    def with_classes(self, classes: Sequence[str]) -> "LabelledImages":
        """The same images, labelled by a model's classes.

        Raises:
            DataError: if there is a class that the model does not know.
        """
        for name in self.classes:
            if name not in classes:
                raise DataError(self.origin, f"class {name!r} is unknown to the model; {nearest(name, classes)}")
        index = [list(classes).index(name) for name in self.classes]
        return replace(self, labels=tuple(index[label] for label in self.labels), classes=tuple(classes))

    @property
    def _is_zip(self) -> bool:
        return self.origin.suffix.lower() == ".zip" and not self.origin.is_dir()

    @property
    def _archive(self) -> zipfile.ZipFile:
        # A forked process shares its parent's file position, so it opens the zip for itself.
        if os.getpid() not in self._archives:
            self._archives[os.getpid()] = zipfile.ZipFile(self.origin)
        return self._archives[os.getpid()]

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_archives": {}}


def read_dataset(path: Path) -> LabelledImages:
    """List labelled images; none is decoded yet.

    Args:
        path: a folder with a folder for each class, a .zip of one, or a .csv whose rows are path,label with paths
            relative to the CSV. In folder and zip a single folder around all class folders is passed through.

    Raises:
        DataError: naming what is at fault: nothing there, no images, one class only, a row without label or file.
    """
    if not path.exists():
        raise DataError(path, "no such file or folder")
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file())
        relative = [PurePosixPath(p.relative_to(path).as_posix()) for p in files]
        items = _classes_of_folders(path, relative)
        found = [(str(path / file), label) for file, label in items]
    elif path.suffix.lower() == ".zip":
        members = _zip_members(path)
        found = [(members[file], label) for file, label in _classes_of_folders(path, sorted(members))]
    elif path.suffix.lower() == ".csv":
        found = _csv_rows(path)
    else:
        raise DataError(path, "expected a folder with a folder a class, a .zip of it, or a .csv of path,label")
    classes = tuple(sorted({label for _, label in found}))
    if len(classes) < 2:
        raise DataError(path, f"has one class only ({classes[0]!r}); at least two are needed")
    index = {name: i for i, name in enumerate(classes)}
    return LabelledImages(path, tuple(n for n, _ in found), tuple(index[label] for _, label in found), classes)


def hold_out(data: LabelledImages, share: float, seed: int) -> tuple[LabelledImages, LabelledImages]:
    """Split off validation images, from every class the same share.

    Args:
        data: all images.
        share: of each class, rounded, but at least one image and never the last one.
        seed: of the choice; the same seed gives the same split.

    Returns:
        training images, validation images.

    Raises:
        DataError: if a class has a single image.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for i, label in enumerate(data.labels):
        members[label].append(i)
    generator = random.Random(seed)
    held: set[int] = set()
    for label, indices in sorted(members.items()):
        if len(indices) < 2:
            raise DataError(
                data.origin, f"class {data.classes[label]!r} has one image; two or more are needed to hold one out"
            )
        held.update(generator.sample(indices, min(len(indices) - 1, max(1, round(share * len(indices))))))
    kept = [i for i in range(len(data)) if i not in held]
    return data.subset(kept), data.subset(sorted(held))


def class_counts(data: LabelledImages) -> dict[str, int]:
    """Number of images of each class."""
    counts = Counter(data.labels)
    return {name: counts[i] for i, name in enumerate(data.classes)}


def _zip_members(path: Path) -> dict[PurePosixPath, str]:
    """The names under which the zip has its images, by path; a path drops what a name may begin with, such as "./"."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [info.filename for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(path, f"not a whole zip file: {error}") from None
    paths = {PurePosixPath(name): name for name in names}
    return {file: name for file, name in paths.items() if file.suffix.lower() in IMAGE_SUFFIXES}


def _classes_of_folders(path: Path, files: Sequence[PurePosixPath]) -> list[tuple[PurePosixPath, str]]:
    """The class of a file is its first folder, below any folder that all files share."""
    files = [f for f in files if not any(part.startswith(".") or part == "__MACOSX" for part in f.parts)]
    if not files:
        raise DataError(path, "holds no images; expected a folder a class with image files in it")
    depth = 0
    while len({f.parts[: depth + 1] for f in files}) == 1 and all(len(f.parts) > depth + 2 for f in files):
        depth += 1
    for file in files:
        if len(file.parts) < depth + 2:
            raise DataError(path, f"{file} is in no class folder; expected {path.name}/CLASS/{file.name}")
    return [(file, file.parts[depth]) for file in files]


def _csv_rows(path: Path) -> list[tuple[str, str]]:
    found = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            for row in rows:
                line = rows.line_num  # a quoted cell can span lines
                if not row or (line == 1 and [cell.strip().lower() for cell in row[:2]] == ["path", "label"]):
                    continue
                if len(row) < 2 or not row[0].strip() or not row[1].strip():
                    raise DataError(path, f"expected path,label, found {','.join(row)!r}", line)
                image = path.parent / row[0].strip()
                if not image.is_file():
                    raise DataError(path, f"no such image: {image}", line)
                found.append((str(image), row[1].strip()))
    except csv.Error as error:
        raise DataError(path, f"not a CSV of path,label: {error}", rows.line_num) from None
    except UnicodeDecodeError as error:
        raise DataError(path, f"not UTF-8 text: byte 0x{error.object[error.start]:02x}") from None
    if not found:
        raise DataError(path, "holds no rows; expected path,label")
    return found
