"""What the worker is asked for, as the serving process keeps it, and as it is sent."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

_NUMBERS = count(1)


@dataclass(frozen=True)
class Order:
    """A job as it is sent to the worker.

    Attributes:
        number: its own.
        call: what is to be done, a name in `work.CALLS`.
        model: the served name; empty for what needs none.
        options: of the whole job; jobs of equal call, model and options may be computed together.
        items: plain values, one for each thing that is answered by itself.
        streamed: whether prefixes are told.
        together: all items in one batch without anybody else's.
    """

    number: int
    call: str
    model: str
    options: Mapping[str, Any]
    items: Sequence[Any]
    streamed: bool = False
    together: bool = False


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    Attributes:
        status: of HTTP.
        value: the items' answers, in order, or a sentence.
    """

    status: int
    value: Any


@dataclass(eq=False)
class Job:
    """A job until it is answered.

    Attributes:
        order: what is asked.
        outcome: how it ended.
        told: (item, prefix) as they come, if it is streamed; None after the last.
        lone: compute it without others, because it was in a batch that a worker died of.
    """

    order: Order
    outcome: "asyncio.Future[Outcome]"
    told: "asyncio.Queue[tuple[int, str] | None]" = field(default_factory=asyncio.Queue)
    lone: bool = False

    @classmethod
    def of(
        cls,
        call: str,
        model: str,
        items: Sequence[Any],
        options: Mapping[str, Any] | None = None,
        *,
        streamed: bool = False,
        together: bool = False,
    ) -> "Job":
        """A new job; must be called where the event loop runs."""
        order = Order(next(_NUMBERS), call, model, dict(options or {}), list(items), streamed, together)
        return cls(order, asyncio.get_running_loop().create_future())

    def end(self, status: int, value: Any) -> None:
        """Say how it ended, once."""
        if not self.outcome.done():
            self.outcome.set_result(Outcome(status, value))
            self.told.put_nowait(None)
