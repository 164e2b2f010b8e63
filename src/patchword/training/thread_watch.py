"""A training's number of threads while other programs come and go."""

import time
from collections import deque
from statistics import median

import torch

from patchword.training.events import Listener, Note
from patchword.training.metrics import MetricsLog
from patchword.training.state import Progress
from patchword.training.threads import suitable_threads

RECENT = 5  # updates
SLOW = 1.5  # times as long an item as when it was fastest; batches differ by less
FIRST = 10.0  # seconds from one measurement to the next; twice as long each time that it changes nothing
MOST = 240.0


class ThreadWatch:
    """Measures anew how many threads are fast, where updates became slow or threads may be had again.

    All threads are doubted once more after they are taken: beside another program a measurement may meet a moment when
    they are fast, and then no update is, to which slow ones could be compared.

    Another number adds in another order, so the losses of a run are those of its numbers at each step; its state has
    the present one and its metrics the first and every change. A number that the recipe sets is let be.

    Args:
        most: threads, as many as there are at best; None where their number is not open.
        tell: hears of a change.
    """

    def __init__(self, most: int | None, tell: Listener) -> None:
        self._most, self._tell = most, tell
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._fastest = float("inf")
        self._wait = FIRST

    def begin(self, progress: Progress, metrics: MetricsLog, resumed: bool) -> None:
        """Take the number that a run had, if it goes on, and doubt it; or torch's, which was measured just now.

        Args:
            progress: of the run, which has the number from now on.
            metrics: get a row of each change.
            resumed: whether the run goes on.
        """
        self._progress, self._metrics = progress, metrics
        had, progress.threads = progress.threads, 0
        if self._most is None:
            return
        if 0 < had <= self._most:
            torch.set_num_threads(had)
        self._unsure = True
        self._next = time.perf_counter() + (0.0 if resumed else FIRST)
        self._keep(torch.get_num_threads(), had)

    def updated(self, seconds: float, items: int) -> None:
        """Hear of an update, after which the number of threads may be another.

        Args:
            seconds: that it took.
            items: that were trained on.
        """
        if self._most is None or self._most == 1:
            return
        self._recent.append(seconds / max(1, items))
        now = torch.get_num_threads()
        if len(self._recent) == RECENT and self._doubtful(now, self._most) and time.perf_counter() >= self._next:
            self._measure(now, self._most)

    def _doubtful(self, now: int, most: int) -> bool:
        """Whether the number may not be the best: fewer than the most, new, or all with updates that became slow."""
        if now < most:
            return True
        pace = median(self._recent)
        self._fastest = min(self._fastest, pace)
        return self._unsure or pace > SLOW * self._fastest

    def _measure(self, now: int, most: int) -> None:
        threads, ratio = suitable_threads(most)
        self._wait = FIRST if threads != now or self._unsure else min(2 * self._wait, MOST)
        self._unsure = threads != now
        self._next = time.perf_counter() + self._wait
        if threads != now:
            torch.set_num_threads(threads)
            self._recent.clear()
            self._tell(Note(threads_sentence(threads, most, ratio, "training goes on")))
            self._keep(threads, now)

    def _keep(self, threads: int, before: int) -> None:
        progress = self._progress
        progress.threads = threads
        if threads != before:
            self._metrics.add({"step": progress.step, "epoch": progress.epoch, "threads": threads})


def threads_sentence(threads: int, most: int, ratio: float, what: str) -> str:
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
