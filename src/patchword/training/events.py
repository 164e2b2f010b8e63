"""What long work tells whoever listens; doors draw it, nothing below them prints."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class Note:
    """A sentence for people."""

    text: str


@dataclass(frozen=True)
class Progress:
    """How far a stage is.

    Attributes:
        stage: what is being done, such as "training".
        fraction: of the whole, from 0 to 1.
        text: what else is known, such as the step and the loss.
    """

    stage: str
    fraction: float
    text: str = ""


Event = Note | Progress
Listener = Callable[[Event], None]


def ignore(event: Event) -> None:
    """The listener of those who do not want to hear anything."""


def told(items: Iterable[Item], count: int, stage: str, listener: Listener) -> Iterator[Item]:
    """The items, with a `Progress` about every hundredth part of them.

    Args:
        items: what is gone through.
        count: how many there are.
        stage: what is being done.
        listener: hears of it.
    """
    every = max(1, count // 100)
    for index, item in enumerate(items):
        if index % every == 0:
            listener(Progress(stage, index / max(1, count), f"{index:,} of {count:,}"))
        yield item
    listener(Progress(stage, 1.0, f"{count:,} of {count:,}"))
