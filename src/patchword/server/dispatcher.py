"""What the worker computes next: waiting orders that are alike, together, under a budget of tokens."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from patchword.server.jobs import Order


@dataclass(eq=False)
class Waiting:
    """An order in the worker.

    Attributes:
        order: what is asked.
        costs: what each item takes of a batch's budget.
        arrived: when, on `time.monotonic`'s clock.
        lone: computed without others.
        given: how many of its items are in batches already.
        answers: of the items, by position.
        wanted: False once nobody waits for the answer.
    """

    order: Order
    costs: Sequence[int]
    arrived: float
    lone: bool = False
    given: int = 0
    answers: dict[int, Any] = field(default_factory=dict)
    wanted: bool = True

    @property
    def key(self) -> tuple[str, str, str]:
        """Orders with equal keys may be computed together."""
        order = self.order
        return order.call, order.model, repr(sorted(order.options.items()))


@dataclass(frozen=True)
class Batch:
    """Items that are computed together.

    Attributes:
        parts: an order, and the position of one of its items.
    """

    parts: tuple[tuple[Waiting, int], ...]

    @property
    def order(self) -> Order:
        """An order whose call, model and options all of them have."""
        return self.parts[0][0].order

    @property
    def items(self) -> list[Any]:
        """What is to be computed."""
        return [waiting.order.items[index] for waiting, index in self.parts]

    @property
    def owners(self) -> list[Waiting]:
        """The orders that it has items of, each once."""
        return list(dict.fromkeys(waiting for waiting, _ in self.parts))


class Dispatcher:
    """Orders that wait; one thread adds, another takes.

    Args:
        wait: seconds that the first of a batch waits for others, unless the worker was busy as long.
        budget: of a batch, by call: what the costs of its items may sum up to.
        batching: False for one order at a time.
    """

    def __init__(self, wait: float, budget: Callable[[str], int], batching: bool = True) -> None:
        self._wait, self._budget, self._batching = wait, budget, batching
        self._waiting: OrderedDict[int, Waiting] = OrderedDict()
        self._all: dict[int, Waiting] = {}
        self._changed = threading.Condition()
        self._stopped = False

    def add(self, order: Order, costs: Sequence[int], lone: bool = False) -> None:
        """Let an order wait."""
        with self._changed:
            waiting = Waiting(order, costs, time.monotonic(), lone)
            self._waiting[order.number] = self._all[order.number] = waiting
            self._changed.notify()

    def cancel(self, number: int) -> None:
        """Forget an order: it is not begun, or is no longer `wanted`."""
        with self._changed:
            found = self._all.pop(number, None)
            if found is not None:
                found.wanted = False
            self._waiting.pop(number, None)

    def ended(self, waiting: Waiting) -> None:
        """An order is answered."""
        with self._changed:
            self._all.pop(waiting.order.number, None)
            self._waiting.pop(waiting.order.number, None)

    def stop(self) -> None:
        """End after what waits now."""
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def next(self) -> Batch | None:
        """The next batch, when there is one; None after `stop`."""
        with self._changed:
            while True:
                if not self._waiting:
                    if self._stopped:
                        return None
                    self._changed.wait()
                    continue
                first = next(iter(self._waiting.values()))
                parts = self._cut(first)
                left = first.arrived + self._wait - time.monotonic()
                if self._closed(first, parts) or self._stopped or left <= 0:
                    return self._taken(parts)
                self._changed.wait(left)

    def _closed(self, first: Waiting, parts: list[tuple[Waiting, int]]) -> bool:
        """Whether nothing that may still come could be computed together with this."""
        if not self._batching or first.lone or first.order.together:
            return True
        return sum(waiting.costs[index] for waiting, index in parts) >= self._budget(first.order.call)

    def _cut(self, first: Waiting) -> list[tuple[Waiting, int]]:
        """Items for a batch with the oldest order: one of each order that is like it in turn, so that an order of
        many items holds nobody up."""
        if not self._batching or first.lone or first.order.together:
            return [(first, index) for index in range(first.given, len(first.order.items))]
        alike = [
            waiting
            for waiting in self._waiting.values()
            if waiting is first or (waiting.key == first.key and not waiting.lone and not waiting.order.together)
        ]
        budget = self._budget(first.order.call)
        parts: list[tuple[Waiting, int]] = []
        used = turn = 0
        while True:
            found = False
            for waiting in alike:
                index = waiting.given + turn
                if index >= len(waiting.order.items):
                    continue
                if parts and used + waiting.costs[index] > budget:
                    return parts
                parts.append((waiting, index))
                used += waiting.costs[index]
                found = True
            if not found:
                return parts
            turn += 1

    def _taken(self, parts: list[tuple[Waiting, int]]) -> Batch:
        for waiting, index in parts:
            waiting.given = max(waiting.given, index + 1)
            if waiting.given == len(waiting.order.items):
                self._waiting.pop(waiting.order.number, None)
        return Batch(tuple(parts))
