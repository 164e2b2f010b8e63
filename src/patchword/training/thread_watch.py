"""A training's number of threads while other programs come and go."""

import time
from collections import deque
from statistics import median

import torch

from patchword.training.events import Listener, Note
from patchword.training.threads import suitable_threads

RECENT = 5  # updates
SLOW = 1.5  # times as long an item as when it was fastest; batches differ by less
FIRST = 10.0  # seconds from one measurement to the next; twice as long each time that it changes nothing
MOST = 240.0


class ThreadWatch:
    """Measures anew how many threads are fast, where updates became slow or threads may be had again.

    Another number adds in another order, so the losses of a run are those of its numbers at each step; its state has
    the present one and its metrics every change. Only a recipe that leaves the number open has such a watch.

    Args:
        most: threads, as many as there are at best.
        tell: hears of a change.
    """

    def __init__(self, most: int, tell: Listener) -> None:
        self._most, self._tell = most, tell
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._fastest = float("inf")
        self._wait = FIRST
        self._next = time.perf_counter() + FIRST

    def updated(self, seconds: float, items: int) -> int | None:
        """Hear of an update.

        Args:
            seconds: that it took.
            items: that were trained on.

        Returns:
            another number of threads that torch has from now on; None while it is as it was.
        """
        self._recent.append(seconds / max(1, items))
        now = torch.get_num_threads()
        if len(self._recent) < RECENT or not self._doubtful(now) or time.perf_counter() < self._next:
            return None
        return self._measured(now)

    def _doubtful(self, now: int) -> bool:
        """Whether the number may not be the best: fewer than the most, or all with updates that became slow."""
        if now < self._most:
            return True
        pace = median(self._recent)
        self._fastest = min(self._fastest, pace)
        return pace > SLOW * self._fastest

    def _measured(self, now: int) -> int | None:
        threads, ratio = suitable_threads(self._most)
        changed = threads != now
        self._wait = FIRST if changed else min(2 * self._wait, MOST)
        self._next = time.perf_counter() + self._wait
        if not changed:
            return None
        torch.set_num_threads(threads)
        self._recent.clear()
        self._tell(Note(said(threads, self._most, ratio, "training goes on")))
        return threads


def said(threads: int, most: int, ratio: float, what: str) -> str:
    """A sentence on the number of threads that was chosen.

    Args:
        threads: the number.
        most: as many as there are at best.
        ratio: the time that those take, as a multiple.
        what: that is done with them, such as "training".
    """
    several = f"{threads} threads" if threads > 1 else "one thread"
    if threads == most:
        return f"{what} with {several} again"
    return (
        f"{what} with {several}: {most} took {ratio:.1f} times as long just now, as they do where other programs keep "
        "a machine busy (--threads says otherwise)"
    )
