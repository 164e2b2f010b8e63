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
        passed: whether others had a batch though it was its turn.
        answers: of the items, by position.
        wanted: False once nobody waits for the answer.
        key: orders with equal keys may be computed together.
    """

    order: Order
    costs: Sequence[int]
    arrived: float
    lone: bool = False
    given: int = 0
    passed: bool = False
    answers: dict[int, Any] = field(default_factory=dict)
    wanted: bool = True

    key: tuple[str, str, str] = field(init=False)

    def __post_init__(self) -> None:
        order = self.order
        self.key = order.call, order.model, repr(sorted(order.options.items()))

    @property
    def cost(self) -> int:
        """Of the item that is next."""
        return self.costs[self.given]


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
        batching: False for items of one order at a time.
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
                    return self._taken(first, parts)
                self._changed.wait(left)

    def _closed(self, first: Waiting, parts: list[tuple[Waiting, int]]) -> bool:
        """Whether nothing that may still come could be computed together with this."""
        if not self._batching or first.lone:
            return True
        return sum(waiting.costs[index] for waiting, index in parts) >= self._budget(first.order.call)

    def _cut(self, first: Waiting) -> list[tuple[Waiting, int]]:
        """Items for a batch with the order whose turn it is: one of each order that is like it, in rounds.

        An item that is larger than a batch is computed by itself, and once lets those pass that would not hold it up.
        """
        budget = self._budget(first.order.call)
        alike = [first]
        if self._batching and not first.lone:
            key = first.key
            more = (waiting for waiting in self._waiting.values() if waiting is not first and not waiting.lone)
            others = [waiting for waiting in more if waiting.key == key]
            if first.cost <= budget:
                alike += others
            elif not first.passed:
                alike = [waiting for waiting in others if waiting.cost <= budget] or alike
        parts: list[tuple[Waiting, int]] = []
        used = turn = 0
        while alike:
            for waiting in list(alike):
                index = waiting.given + turn
                if index == len(waiting.order.items) or (parts and used + waiting.costs[index] > budget):
                    alike.remove(waiting)  # what is left of it has its turn with another batch
                    continue
                parts.append((waiting, index))
                used += waiting.costs[index]
            turn += 1
        return parts

    def _taken(self, first: Waiting, parts: list[tuple[Waiting, int]]) -> Batch:
        first.passed = True
        for waiting, index in parts:
            waiting.given = max(waiting.given, index + 1)
        for waiting in dict.fromkeys(waiting for waiting, _ in parts):
            waiting.passed = False
            if waiting.given == len(waiting.order.items):
                self._waiting.pop(waiting.order.number, None)
            else:
                self._waiting.move_to_end(waiting.order.number)  # so that those that are not like it have their turn
        return Batch(tuple(parts))
