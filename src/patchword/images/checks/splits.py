"""The images of each split, from one place or several."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from patchword.errors import DataError, RecipeError
from patchword.findings import TRAIN, VALIDATION
from patchword.images.archive import Archive
from patchword.images.dataset import LabelledImages, read_dataset, read_splits
from patchword.images.layout import WHOLE
from patchword.images.listing import Listing, list_folder


@dataclass(frozen=True)
class Split:
    """Images of one split.

    Attributes:
        name: such as "training".
        given: the split that its folder, zip or table was given as; one that was given as training may hold others.
        data: the images.
    """

    name: str
    given: str
    data: LabelledImages

    @property
    def is_whole(self) -> bool:
        """Whether no folder said that it is a split."""
        return self.name == self.given and self.name == TRAIN


def read_all(paths: Mapping[str, Sequence[Path]], max_pixels: int) -> list[Split]:
    """Every split, training first.

    Args:
        paths: by split, one each.
        max_pixels: that may be decoded of one image.

    Raises:
        DataError: as `read_dataset` does.
        RecipeError: if a split has not one path.
    """
    for split, places in paths.items():
        if len(places) != 1:
            raise RecipeError(f"{split} images are in {len(places)} places; expected one folder, zip or CSV")
    inside = read_splits(paths[TRAIN][0], max_pixels)
    train = inside.pop(WHOLE, None) or inside.pop(TRAIN, None)
    if train is None:
        raise DataError(
            paths[TRAIN][0], f"is split and holds {' and '.join(sorted(inside))} data, but no training data"
        )
    found = {TRAIN: Split(TRAIN, TRAIN, train)}
    for name, data in inside.items():
        if name not in paths:
            found[name] = Split(name, TRAIN, data)
    for name, places in paths.items():
        if name != TRAIN:
            role = name if name == VALIDATION else "test"
            found[name] = Split(name, name, read_dataset(places[0], role, fewest=1, max_pixels=max_pixels))
    return list(found.values())


def listing_of(origin: Path) -> Listing | None:
    """Everything that a folder or zip holds; None of a table."""
    if origin.is_dir():
        return list_folder(origin)
    return Archive(origin).listing() if origin.suffix.lower() == ".zip" else None
