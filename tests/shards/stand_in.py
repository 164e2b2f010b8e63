"""What shards are computed with in tests: lines in capitals, and accidents on demand."""

import os
import signal
from pathlib import Path
from typing import NamedTuple

from patchword.errors import DataError
from patchword.shards.work import Answer, Compute


class Capitals(NamedTuple):
    """Lines in capitals, numbered; "bad" cannot be answered.

    Attributes:
        dies: the first item of a shard whose worker is killed the first time; 0 for none.
        flag: a file that says that it was.
    """

    dies: int = 0
    flag: str = ""

    def open(self) -> Compute:
        def compute(first: int, items: list[str]) -> Answer:
            if first == self.dies and not Path(self.flag).exists():
                Path(self.flag).touch()
                os.kill(os.getpid(), signal.SIGKILL)
            text = "".join(f"{number} {item.upper()}\n" for number, item in enumerate(items, first))
            notes = [f"line {first + place}: bad" for place, item in enumerate(items) if item == "bad"]
            return Answer(text, notes, bool(notes))

        return compute


class Nowhere(NamedTuple):
    """A model that the worker's machine has not."""

    folder: str = "/disk/model"

    def open(self) -> Compute:
        raise DataError(self.folder, "is no model folder", 7)
