"""What folders mean: a class, or a split into training, validation and test data with a folder a class in each."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from patchword.errors import DataError
from patchword.images.formats import UNREAD_SUFFIXES, words
from patchword.images.listing import EMPTY, Listing, Parts, counted

TRAIN, VALIDATION, TEST = "training", "validation", "test"
WHOLE = ""  # of data that is not split
_UNREAD = "has no image that can be read, but {}; convert them to JPEG or PNG, or remove the folder"

_ROLES = {
    TRAIN: "train training trn",
    VALIDATION: "val valid validation validate validating dev development eval evaluation",
    TEST: "test testing tst",
}
_ROLE_OF = {word: role for role, words in _ROLES.items() for word in words.split()}
# Words beside which a split's name is still one: train_images, seg_train, test set.
_BESIDE = frozenset(words("set data dataset images image imgs img pics pictures photos split seg folder dir"))


@dataclass(frozen=True)
class Item:
    """A labelled picture.

    Attributes:
        role: of its split, such as `TRAIN`; `WHOLE` without splits.
        label: its class.
        name: its path, below the folder or zip or as the table says.
    """

    role: str
    label: str
    name: str


def role_of(name: str) -> str | None:
    """The split that a folder is named after, in any case, or None."""
    role, others = _meaning(name)
    return None if others else role


def _meaning(name: str) -> tuple[str | None, tuple[str, ...]]:
    """The one split that a name has a word for, and the words that say something else: training and pets."""
    words = [word for word in re.split(r"[\W_]+|(?<=\D)(?=\d)|(?<=\d)(?=\D)", name.casefold()) if not word.isdigit()]
    joined = [word for word in words if word]
    joined = [re.sub("(?<=.)(set|data)$", "", word) if word not in _BESIDE else word for word in joined]
    roles = [_ROLE_OF[word] for word in joined if word in _ROLE_OF]
    others = tuple(word for word in joined if word not in _ROLE_OF and word not in _BESIDE)
    return roles[0] if len(roles) == 1 else None, others


def class_name(text: str) -> str:
    """A class's name as it is kept: equal names are equal, however their accents are composed or their bytes are no
    text."""
    return unicodedata.normalize("NFC", text.encode("utf-8", "backslashreplace").decode("utf-8"))


def arranged(origin: Path, listing: Listing) -> tuple[list[Item], list[str]]:
    """The class and the split of every picture.

    Args:
        origin: the folder or zip, for messages.
        listing: what is in it.

    Returns:
        the pictures, in the listing's order for each split; and sentences on what was taken how, and left out.

    Raises:
        DataError: if there are no pictures, a picture is in no class folder, or a class has none that can be read.
    """
    if not listing.pictures:
        kinds = Counter[str]()
        for (_, kind), number in listing.left_out.items():
            kinds[kind] += number if kind != EMPTY else 0
        rest = counted((+kinds).items())
        found = f", but {rest}" if rest else ""
        raise DataError(origin, f"holds no images{found}; expected a folder a class with image files in it")
    unread = [(*parts, kind) for parts, kind in listing.left_out if kind in UNREAD_SUFFIXES]
    depth = _shared_depth(listing.pictures, unread)
    tops = list(dict.fromkeys(parts[depth] for parts in listing.pictures if len(parts) > depth + 1))
    roles = _splits(origin, listing.pictures, depth, tops)
    if not roles:
        inner, notes = _inner_splits(origin, listing.pictures, depth)
        items = _labelled(origin, listing.pictures, depth, WHOLE)
        items = [replace(item, role=role) for item, role in zip(items, inner, strict=True)]
        return items, [*notes, *_left_out(origin, listing, depth, {item.label for item in items})]
    items, notes = [], _beside_splits(origin, listing, depth, tops)
    for role in (TRAIN, VALIDATION, TEST):
        for top in [top for top in tops if roles.get(top) == role]:
            inside = [parts for parts in listing.pictures if parts[depth] == top]
            below = _shared_depth(inside, [], depth + 1)
            some = _labelled(origin, inside, below, role)
            items += some
            notes.append(f"took the folder {top} of {origin} for {role} data: {len(some):,} images")
            part = Listing(
                inside, Counter({k: n for k, n in listing.left_out.items() if k[0][depth : depth + 1] == (top,)})
            )
            notes += _left_out(origin, part, below, {item.label for item in some})
    for top in tops:
        if top not in roles:
            number = sum(parts[depth] == top for parts in listing.pictures)
            notes.append(f"left out the folder {top} of {origin}, which is beside splits: {number:,} images")
    return items, notes


def _shared_depth(files: Sequence[Parts], unread: Sequence[Parts], depth: int = 0) -> int:
    """How many folders lie around all class folders."""
    while len({f[: depth + 1] for f in (*files, *unread)}) == 1 and all(len(f) > depth + 2 for f in files):
        depth += 1
    return depth


def _splits(origin: Path, files: Sequence[Parts], depth: int, tops: Sequence[str]) -> dict[str, str]:
    """The folders that are splits, with their roles; none if all folders are classes."""
    named = {top: role for top in tops if (role := role_of(top))}
    classes: dict[str, set[str]] = {top: set() for top in tops}
    for parts in files:
        if len(parts) > depth + 2:
            classes[parts[depth]].add(class_name(parts[depth + 1]))
    split = {top: role for top, role in named.items() if classes[top]}
    others = [top for top in tops if top not in named]
    meanings = {top: _meaning(top) for top in tops}
    if not named and len({rest for _, rest in meanings.values()}) == 1 and all(role for role, _ in meanings.values()):
        # pets_train and pets_test: the same with and without what else they are called, if they have the same classes.
        roles = {top: role for top, (role, _) in meanings.items() if role}
        return roles if any(classes[one] & classes[two] for one in tops for two in tops if one != two) else {}
    if not split:
        if len(named) > 1 and not others:
            names = " and ".join(sorted(named))
            raise DataError(origin, f"{names} hold pictures, but no folder a class; expected {tops[0]}/CLASS/picture")
        return {}
    if not others or any(classes[one] & classes[two] for one in split for two in classes if one != two):
        return split
    return {}


def _inner_splits(origin: Path, files: Sequence[Parts], depth: int) -> tuple[list[str], list[str]]:
    """The role of every picture where each class has a folder a split in it; and a sentence on that."""
    roles = [(role_of(parts[depth + 1]) if len(parts) > depth + 2 else None) or WHOLE for parts in files]
    counts = Counter(role for role in roles if role)
    if len(counts) < 2:
        return [WHOLE] * len(files), _alike(origin, files, depth)
    names = " and ".join(sorted({parts[depth + 1] for parts, role in zip(files, roles, strict=True) if role}))
    if WHOLE in roles:
        return [WHOLE] * len(files), [f"folders named {names} below some classes of {origin} are not taken for splits"]
    numbers = ", ".join(f"{number:,} {role}" for role, number in sorted(counts.items()))
    return roles, [f"took the folders {names} in the classes of {origin} for splits: {numbers} images"]


def _alike(origin: Path, files: Sequence[Parts], depth: int) -> list[str]:
    """A sentence if two classes hold the same folders, as splits do whose names are in another language."""
    below: dict[str, set[str]] = {}
    for parts in files:
        below.setdefault(parts[depth], set()).add(parts[depth + 1] if len(parts) > depth + 2 else "")
    same = {frozenset(names) for names in below.values()}
    if len(below) < 2 or len(same) != 1 or len(names := next(iter(same))) < 2 or "" in names:
        return []
    return [
        f"the folders of {origin} are taken for classes, though all hold the same folders, such as {min(names)}; if "
        "they are splits, call them train and test"
    ]


def _beside_splits(origin: Path, listing: Listing, depth: int, tops: Sequence[str]) -> list[str]:
    """Sentences on what is in no folder with pictures that are read.

    Raises:
        DataError: if it is a whole split whose pictures are of a kind that is not read.
    """
    notes = []
    stray = sum(len(parts) == depth + 1 for parts in listing.pictures)
    if stray:
        notes.append(f"left out {stray:,} images that are beside the splits of {origin}")
    kinds: dict[str, Counter[str]] = {}
    for (parts, kind), number in listing.left_out.items():
        if len(parts) > depth and parts[depth] not in tops:
            kinds.setdefault(parts[depth], Counter())[kind] += number
    for name in sorted(kinds):
        if role_of(name) and any(kind in UNREAD_SUFFIXES for kind in kinds[name]):
            raise DataError(origin, f"the folder {name} {_UNREAD.format(_told(kinds[name]))}")
        notes.append(f"left out the folder {name} of {origin}: {_told(kinds[name])}")
    return notes


def _labelled(origin: Path, files: Iterable[Parts], depth: int, role: str) -> list[Item]:
    items = []
    for parts in files:
        name = "/".join(parts)
        if len(parts) < depth + 2:
            raise DataError(
                origin,
                f"{name} is in no class folder; expected {'/'.join((origin.name, *parts[:depth]))}/CLASS/{parts[-1]}",
            )
        items.append(Item(role, class_name(parts[depth]), name))
    return items


def _left_out(origin: Path, listing: Listing, depth: int, classes: set[str]) -> list[str]:
    """Sentences on what is no picture that is read, class by class.

    Raises:
        DataError: if that is all that a class has, and pictures are among it.
    """
    kinds: dict[str, Counter[str]] = {}
    for (parts, kind), number in listing.left_out.items():
        if len(parts) > depth:
            kinds.setdefault(class_name(parts[depth]), Counter())[kind] += number
    for name in sorted(set(kinds) - classes):
        if any(kind in UNREAD_SUFFIXES for kind in kinds[name]):
            raise DataError(origin, f"class {name!r} {_UNREAD.format(_told(kinds[name]))}")
    return [
        f"left out of {name if name in classes else f'{name}, which is no class'}: {_told(kinds[name])}"
        for name in sorted(kinds)
        if name not in classes or set(kinds[name]) != {EMPTY}
    ]


def _told(kinds: "Counter[str]") -> str:
    """What was left out of a folder, without folders in it that are empty."""
    return counted((kind, number) for kind, number in kinds.items() if kind != EMPTY) or "it is empty"
