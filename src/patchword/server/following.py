"""What the worker hears of a batch while it is computed, and what it passes on."""

import time
from collections.abc import Iterator, Sequence
from threading import Lock
from typing import Any

from patchword.server.dispatcher import Batch

_PAUSE = 0.05  # seconds between two prefixes of an item: nobody reads faster
_SIGN = 1.0  # seconds between two signs of life


class Unwanted(Exception):  # noqa: N818 - not a fault
    """Nobody waits for anything of a batch any more."""


class Following:
    """Says which items of a batch are wanted, and passes on how far they are; see `text.watch`.

    Args:
        batch: that is computed.
        wire: to the serving process.
    """

    def __init__(self, batch: Batch, wire: Any) -> None:
        self._parts, self._wire = batch.parts, wire
        self._lock = Lock()  # texts of a batch are decoded in several threads
        self._last: dict[int, float] = {}
        self._late: dict[int, str] = {}  # what is told when its pause is over
        self._sign = time.monotonic()
        self.items: Sequence[Any] = Looked(batch.items, self.live)

    def live(self) -> None:
        """See that somebody waits for something.

        Raises:
            Unwanted: if nobody does.
        """
        self._show()
        if not any(waiting.wanted for waiting, _ in self._parts):
            raise Unwanted

    def wanted(self, index: int) -> bool:
        """Whether anybody still waits for an item."""
        self._show()
        if index in self._late:
            self._tell(index, None)
        return self._parts[index][0].wanted

    def listens(self, index: int) -> bool:
        """Whether an item's client asked for what is certain of it."""
        return self._parts[index][0].order.streamed

    def told(self, index: int, text: str) -> None:
        """Pass on how far an item is, if its client asked for that."""
        if self.listens(index):
            self._tell(index, text)

    def flush(self) -> None:
        """Pass on what was kept back."""
        for index in list(self._late):
            self._tell(index, None, pause=0.0)

    def _tell(self, index: int, text: str | None, pause: float = _PAUSE) -> None:
        waiting, item = self._parts[index]
        now = time.monotonic()
        with self._lock:
            text = self._late.pop(index, None) if text is None else text
            if text is None or not waiting.wanted:
                return
            if now - self._last.get(index, 0.0) < pause:
                self._late[index] = text
                return
            self._late.pop(index, None)
            self._last[index] = now
            self._wire.send("told", waiting.order.number, item, text)

    def _show(self) -> None:
        """Give a sign of life."""
        now = time.monotonic()
        if now - self._sign >= _SIGN:
            self._sign = now
            self._wire.send("alive")


class Looked(Sequence[Any]):
    """Items before each of which something is done, so that what takes them one by one can be ended between two.

    Args:
        items: themselves.
        before: what is done.
    """

    def __init__(self, items: Sequence[Any], before: Any) -> None:
        self._items, self._before = items, before

    def __getitem__(self, index: Any) -> Any:
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Any]:
        for item in self._items:
            self._before()
            yield item
