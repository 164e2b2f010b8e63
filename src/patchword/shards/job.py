"""A folder of shards: what is to be done, what each shard reads, and what of it is there."""

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from patchword.errors import DataError, RunFolderError, reason, shown
from patchword.files import forget_temporaries, make_folder, write_text

SIZE = 1024  # items of a shard: what `translate` sorts and decodes together, so that a shard is decoded as it would be
_PLAN, _ITEMS = "job.json", ".items"
_END = 1 << 16  # bytes


@dataclass(frozen=True)
class Plan:
    """What the whole of it is; two runs may share a folder only if theirs are equal.

    Attributes:
        does: everything that decides what is written: the verb, its options, the model, the files.
        items: how many.
        size: of a shard.
    """

    does: Mapping[str, Any]
    items: int
    size: int = SIZE

    @property
    def shards(self) -> int:
        """How many."""
        return -(-self.items // self.size)


class Job:
    """The folder: `part-000000.txt` and so on, whose concatenation is the whole answer.

    Items lie beside in `.items` until all is done: a worker needs no other file, whatever they were read from.

    Args:
        folder: on a disk that all workers see.
        plan: see `Plan`.
    """

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder, self.plan = folder, plan

    @classmethod
    def begin(
        cls, folder: Path, does: Mapping[str, Any], items: Iterable[str], resume: bool, size: int = SIZE
    ) -> "Job":
        """A new job, or one to go on with.

        Args:
            folder: made if it is missing.
            does: see `Plan`; plain values.
            items: lines, or names; read only if they are not in the folder yet.
            resume: go on with what is there; where nothing is, begin.
            size: items of a shard.

        Raises:
            RunFolderError: if there is something else in the folder.
            DataError: if the items cannot be read; nothing is begun then.
            OutputError: if the folder cannot be written.
        """
        # As JSON has it, so that what was read again can be compared.
        does = json.loads(json.dumps(does))
        known = cls._known(folder)
        if known is not None:
            if not resume:
                raise RunFolderError(folder, "already holds shards; go on with --resume, or choose another folder")
            _compare(folder, known.does, does)
            return cls(folder, known)
        if folder.exists() and (not folder.is_dir() or any(path.name != _ITEMS for path in folder.iterdir())):
            raise RunFolderError(folder, "is not empty and holds no shards; choose another folder")
        make_folder(folder / _ITEMS)
        rest, number, count = iter(items), 0, 0
        while chunk := list(islice(rest, size)):
            write_text(folder / _ITEMS / f"{number:06d}.json", json.dumps(chunk))
            number, count = number + 1, count + len(chunk)
        plan = Plan(does, count, size)
        # Written last: items without a plan are a beginning that was interrupted, and are written again.
        write_text(folder / _PLAN, json.dumps(asdict(plan), indent=1) + "\n")
        return cls(folder, plan)

    @staticmethod
    def _known(folder: Path) -> Plan | None:
        path = folder / _PLAN
        if not path.exists():
            return None
        values = _read(path)
        try:
            plan = Plan(values["does"], values["items"], values["size"])
            whole = isinstance(plan.does, dict) and type(plan.items) is type(plan.size) is int and plan.size > 0
        except (TypeError, KeyError):
            whole = False
        if not whole:
            raise DataError(path, "is not what describes a folder of shards")
        return plan

    def items(self, number: int) -> list[str]:
        """What a shard reads.

        Raises:
            DataError: if it is damaged or gone.
        """
        path = self.folder / _ITEMS / f"{number:06d}.json"
        found = _read(path)
        if not isinstance(found, list) or len(found) != self.count(number):
            raise DataError(path, "does not have the shard's items")
        return found

    def count(self, number: int) -> int:
        """How many items a shard has."""
        return min(self.plan.size, self.plan.items - number * self.plan.size)

    def part(self, number: int) -> Path:
        """Where a shard's answer is, once it is whole."""
        return self.folder / f"part-{number:06d}.txt"

    def notes(self, number: int) -> Path:
        """What is to be said of a shard; there before its part is."""
        return self.folder / f"part-{number:06d}.notes.json"

    def pending(self) -> list[int]:
        """Shards whose answer is not there, in order."""
        return [number for number in range(self.plan.shards) if not self.part(number).exists()]

    def told(self) -> tuple[list[str], bool]:
        """Everything that is to be said, in the order of the items; and whether an item could not be answered."""
        paths = [self.notes(number) for number in range(self.plan.shards)]
        found = [_read(path) for path in paths if path.exists()]
        try:
            return [str(note) for each in found for note in each["notes"]], any(each["failed"] for each in found)
        except (TypeError, KeyError):
            raise DataError(self.folder, "has notes that are damaged; delete them") from None

    def end(self) -> None:
        """Take away what only workers needed."""
        shutil.rmtree(self.folder / _ITEMS, ignore_errors=True)
        forget_temporaries(self.folder)


def identity(path: Path) -> str:
    """A digest of a file, or of a folder's files, by names, sizes and both ends: another model's is another.

    Raises:
        DataError: if it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
        for each in files:
            size = each.stat().st_size
            digest.update(f"{each.relative_to(path)}\0{size}\0".encode())
            with each.open("rb") as file:
                digest.update(file.read(_END))
                file.seek(max(0, size - _END))
                digest.update(file.read())
    except OSError as error:
        raise DataError(path, f"cannot be read: {reason(error)}") from None
    return digest.hexdigest()[:16]


def _read(path: Path) -> Any:
    """A JSON file that we wrote, of any size.

    Raises:
        DataError: if it is gone or damaged.
    """
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(path, f"cannot be read: {reason(error)}") from None
    except ValueError:
        raise DataError(path, "is damaged: it is no JSON") from None


def _compare(folder: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            raise RunFolderError(
                folder, f"was begun with {name} = {shown(before.get(name))}, not {shown(now.get(name))}; choose another"
            )
