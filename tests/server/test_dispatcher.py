"""What is computed together, and what is not."""

import threading
import time
from typing import Any

from patchword.server.dispatcher import Batch, Dispatcher
from patchword.server.jobs import Order

BUDGET = 10


def order(
    number: int, items: int = 1, *, model: str = "m", options: dict[str, Any] | None = None, **more: Any
) -> Order:
    return Order(number, "translate", model, options or {}, [f"{number}.{i}" for i in range(items)], **more)


def dispatcher(*orders: Order, cost: int = 1, wait: float = 0.0, batching: bool = True) -> Dispatcher:
    found = Dispatcher(wait, lambda call: BUDGET, batching)
    for each in orders:
        found.add(each, [cost] * len(each.items))
    return found


def taken(found: Dispatcher) -> list[Any]:
    batch = found.next()
    assert isinstance(batch, Batch)
    return batch.items


def test_orders_that_are_alike_are_computed_together() -> None:
    found = dispatcher(order(1), order(2, options={"beam": 2}), order(3), order(4, model="n"), order(5))
    assert [taken(found) for _ in range(3)] == [["1.0", "3.0", "5.0"], ["2.0"], ["4.0"]]


def test_an_order_of_many_items_holds_nobody_up() -> None:
    found = dispatcher(order(1, 20), order(2, 2))
    assert taken(found) == ["1.0", "2.0", "1.1", "2.1", *(f"1.{i}" for i in range(2, 8))]
    assert taken(found) == [f"1.{i}" for i in range(8, 18)]


def test_a_batch_keeps_to_its_budget_but_for_one_item_that_is_larger() -> None:
    assert taken(dispatcher(order(1, 3), cost=BUDGET + 1)) == ["1.0"]
    assert taken(dispatcher(order(1, 5), cost=4)) == ["1.0", "1.1"]


def test_what_is_drawn_together_and_what_is_to_be_alone_has_a_batch_of_its_own() -> None:
    found = dispatcher(order(1), order(2, 2, together=True), order(3))
    found.add(order(4), [1], lone=True)
    assert [taken(found) for _ in range(3)] == [["1.0", "3.0"], ["2.0", "2.1"], ["4.0"]]


def test_without_batching_each_order_is_computed_by_itself() -> None:
    found = dispatcher(order(1, 2), order(2), batching=False, wait=60)
    assert [taken(found) for _ in range(2)] == [["1.0", "1.1"], ["2.0"]]


def test_the_first_waits_for_others_and_no_longer_than_it_is_told() -> None:
    found = dispatcher(order(1), wait=0.3)
    threading.Timer(0.05, lambda: found.add(order(2), [1])).start()
    started = time.monotonic()
    assert taken(found) == ["1.0", "2.0"]
    assert 0.25 < time.monotonic() - started < 2


def test_a_full_batch_waits_for_nobody() -> None:
    found = dispatcher(order(1, 12), wait=60)
    assert len(taken(found)) == BUDGET


def test_what_was_cancelled_is_not_begun_and_what_runs_hears_of_it() -> None:
    found = dispatcher(order(1), order(2))
    found.cancel(1)
    batch = found.next()
    assert batch is not None
    assert batch.items == ["2.0"]
    assert batch.owners[0].wanted
    found.cancel(2)
    assert not batch.owners[0].wanted


def test_after_a_stop_what_waits_is_still_given_out() -> None:
    found = dispatcher(order(1), wait=60)
    found.stop()
    assert taken(found) == ["1.0"]
    assert found.next() is None
