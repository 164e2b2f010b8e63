"""Labelled images: a folder a class, a zip of that, or a CSV of path,label; perhaps split into training and test."""

import os
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from PIL import Image

from patchword.errors import DataError, nearest, one_line, reason
from patchword.images.archive import Archive
from patchword.images.files import open_image
from patchword.images.layout import TEST, TRAIN, VALIDATION, WHOLE, Item, arranged, class_name
from patchword.images.listing import list_folder
from patchword.images.tables import TABLE_SUFFIXES, read_table

SHOWN_CLASSES = 20  # that a sentence names


@dataclass(frozen=True)
class LabelledImages:
    """Images with their classes.

    Attributes:
        origin: the folder, zip or CSV.
        names: a path for each image: on disk, or inside the zip.
        labels: for each image, the index of its class.
        classes: class names, sorted.
        notes: sentences on how the data was taken, and what was left out.
        max_pixels: how many may be decoded of one image; see `open_image`.
    """

    origin: Path
    names: tuple[str, ...]
    labels: tuple[int, ...]
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()
    max_pixels: int | None = None
    _archives: dict[int, Archive] = field(default_factory=dict, repr=False, compare=False)

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
            return open_image(Path(self.names[index]), max_pixels=self.max_pixels)
        return open_image(self._archive.picture(self.names[index]), self.name_of(index), self.max_pixels)

    def subset(self, indices: Sequence[int]) -> "LabelledImages":
        """Some of the images, with all class names."""
        names, labels = (tuple(part[i] for i in indices) for part in (self.names, self.labels))
        return replace(self, names=names, labels=labels)  # type: ignore[arg-type]

    def with_classes(self, classes: Sequence[str]) -> "LabelledImages":
        """The same images, labelled by a model's classes.

        Raises:
            DataError: if there is a class that the model does not know.
        """
        known = {class_name(name): i for i, name in enumerate(classes)}
        for name in self.classes:
            if name not in known:
                raise DataError(self.origin, f"class {name!r} is unknown to the model; {nearest(name, classes)}")
        index = [known[name] for name in self.classes]
        return replace(self, labels=tuple(index[label] for label in self.labels), classes=tuple(classes))

    @cached_property
    def _is_zip(self) -> bool:
        return self.origin.suffix.lower() == ".zip" and not self.origin.is_dir()

    @property
    def _archive(self) -> Archive:
        # A forked process shares its parent's file position, so it opens the zip for itself.
        if os.getpid() not in self._archives:
            self._archives[os.getpid()] = Archive(self.origin)
        return self._archives[os.getpid()]

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_archives": {}}


def read_dataset(path: Path, role: str = TRAIN, *, fewest: int = 2, max_pixels: int | None = None) -> LabelledImages:
    """List labelled images; none is decoded yet.

    Args:
        path: a folder with a folder for each class, a .zip of one, or a .csv or .tsv of images and labels; see
            `tables.read_table`. In folder and zip a single folder around all class folders is passed through.
        role: of folders that are named after splits, such as train and val, which is wanted; another, in the order
            test, validation, training, if it is not there and not training.
        fewest: classes that are needed.
        max_pixels: see `LabelledImages`.

    Raises:
        DataError: naming what is at fault: nothing there, no images, too few classes, a row without label or file, a
            class whose images are all of a kind that is not read.
    """
    splits = read_splits(path, max_pixels)
    order = (WHOLE, TRAIN) if role == TRAIN else (WHOLE, role, TEST, VALIDATION, TRAIN)
    chosen = next((name for name in order if name in splits), None)
    if chosen is None:
        raise DataError(path, f"is split and holds {' and '.join(sorted(splits))} data, but no {role} data")
    data = splits[chosen]
    if len(data.classes) < fewest:
        raise DataError(path, f"has one class only ({data.classes[0]!r}); at least two are needed")
    if chosen != WHOLE:
        return replace(data, notes=(*data.notes, f"using the {chosen} data of {path}"))
    return data


def read_splits(path: Path, max_pixels: int | None = None) -> dict[str, LabelledImages]:
    """The images of each split, with the classes that it has; all of them as `WHOLE` where the data is not split.

    Arguments and errors are those of `read_dataset`.
    """
    try:
        path.stat()
    except FileNotFoundError:
        raise DataError(path, "no such file or folder") from None
    except (OSError, ValueError) as error:
        raise DataError(path, f"cannot be read: {reason(error) if isinstance(error, OSError) else error}") from None
    archives: dict[int, Archive] = {}
    notes: list[str] = []
    if path.is_dir():
        items, notes = arranged(path, list_folder(path))
        items = [Item(item.role, item.label, str(path / item.name)) for item in items]
    elif path.suffix.lower() == ".zip":
        archive = Archive(path)
        archives[os.getpid()] = archive
        items, notes = arranged(path, archive.listing())
    elif path.suffix.lower() in TABLE_SUFFIXES:
        items, notes = read_table(path)
    else:
        raise DataError(path, "expected a folder with a folder a class, a .zip of it, or a .csv of path,label")
    found = {}
    for role in dict.fromkeys(item.role for item in items):
        part = [item for item in items if item.role == role]
        classes = tuple(sorted({item.label for item in part}))
        index = {name: i for i, name in enumerate(classes)}
        names, labels = tuple(item.name for item in part), tuple(index[item.label] for item in part)
        found[role] = LabelledImages(path, names, labels, classes, tuple(notes), max_pixels, archives)
    return found


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


def training_data(
    path: Path, share: float, seed: int, max_pixels: int | None = None
) -> tuple[LabelledImages, LabelledImages]:
    """Training and validation images: the validation split that the data has, or else a share that is held out.

    Args and errors are those of `read_dataset` and `hold_out`.
    """
    data = read_dataset(path, TRAIN, max_pixels=max_pixels)
    held = read_splits(path, max_pixels).get(VALIDATION)
    return hold_out(data, share, seed) if held is None else (data, held.with_classes(data.classes))


def class_counts(data: LabelledImages) -> dict[str, int]:
    """Number of images of each class."""
    counts = Counter(data.labels)
    return {name: counts[i] for i, name in enumerate(data.classes)}


def described_classes(data: LabelledImages) -> str:
    """The classes with their numbers of images, as a clause; of many classes the first."""
    counts = class_counts(data)
    named = [f"{one_line(name)[:40]} {number:,}" for name, number in list(counts.items())[:SHOWN_CLASSES]]
    rest = len(counts) - len(named)
    return ", ".join(named) + (f" and {rest:,} more" if rest else "")
