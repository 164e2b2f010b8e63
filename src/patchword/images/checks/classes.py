"""What is odd about the classes of labelled images, and about what lies beside them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from patchword.findings import TRAIN, Finding
from patchword.images.checks import kinds
from patchword.images.checks.splits import Split, listing_of
from patchword.images.dataset import class_counts
from patchword.images.formats import UNREAD_SUFFIXES
from patchword.images.layout import role_of
from patchword.images.listing import counted

IMBALANCE = 10  # times as many images as another class has


def odd_classes(splits: Sequence[Split]) -> Iterator[Finding]:
    """Findings that are about classes and folders."""
    train = splits[0]
    yield from _splits_as_classes(train)
    for split in splits:
        for name in sorted(set(split.data.classes) - set(train.data.classes)):
            number = class_counts(split.data)[name]
            yield Finding(kinds.UNKNOWN.name, split.name, str(split.data.origin), None, f"{name}, {number:,} images")
    counts = class_counts(train.data)
    most = max(counts, key=lambda name: counts[name])
    for name, number in counts.items():
        if number * IMBALANCE <= counts[most]:
            said = f"{name} has {number:,} images, {most} has {counts[most]:,}"
            yield Finding(kinds.IMBALANCE.name, TRAIN, str(train.data.origin), None, said)
    for split in {split.given: split for split in splits}.values():
        yield from _unread(split)


def _splits_as_classes(train: Split) -> Iterator[Finding]:
    data = train.data
    named = [name for name in data.classes if role_of(name) is not None]
    if len(named) > 1:  # a single one may be a train on rails
        for name in named:
            yield Finding(
                kinds.SPLITS.name, TRAIN, str(data.origin), None, f"{name}, {class_counts(data)[name]:,} images"
            )
        return
    below: dict[str, set[str]] = {}
    for name, label in zip(data.names, data.labels, strict=True):
        parts = PurePath(name).parts
        place = parts.index(data.classes[label]) if data.classes[label] in parts else len(parts) - 2
        below.setdefault(data.classes[label], set()).add(parts[place + 1] if len(parts) > place + 2 else "")
    inner = {frozenset(names) for names in below.values()}
    if len(inner) == 1 and len(below) > 1 and len(names := next(iter(inner))) > 1 and "" not in names:
        said = f"all of {', '.join(sorted(below))} hold the folders {', '.join(sorted(names)[:5])}"
        yield Finding(kinds.SPLITS.name, TRAIN, str(data.origin), None, said)


def _unread(split: Split) -> Iterator[Finding]:
    listing = listing_of(split.data.origin)
    if listing is None:
        return
    found: dict[str, Counter[str]] = {}
    for (parts, kind), number in listing.left_out.items():
        if kind in UNREAD_SUFFIXES or not kind.startswith((".", "nothing")):
            found.setdefault("/".join(parts), Counter())[kind] += number
    for folder, numbers in sorted(found.items()):
        place = f"{split.data.origin}/{folder}".rstrip("/")
        yield Finding(kinds.UNREAD.name, split.name, place, None, counted(numbers.items()))
