"""What is passed on of a batch while it is computed."""

from typing import Any

import pytest

from patchword.server import following as module
from patchword.server.dispatcher import Batch, Dispatcher, Waiting
from patchword.server.following import Following, Unwanted
from patchword.server.jobs import Order
from patchword.server.worker import Worker
from tests.server.test_worker import Sent


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def waiting(number: int, items: int, call: str = "translate", **more: Any) -> Waiting:
    order = Order(number, call, "m", {}, [f"{number}.{i}" for i in range(items)], **more)
    return Waiting(order, [1] * items, 0.0, given=items)


def batch(*several: Waiting) -> Batch:
    return Batch(tuple((each, index) for each in several for index in range(len(each.order.items))))


def test_an_item_is_told_of_at_most_every_fifty_milliseconds_and_at_last_whole(clock: list[float]) -> None:
    sent = Sent()
    found = Following(batch(waiting(7, 2, streamed=True)), sent)
    for length in range(1, 101):
        clock[0] += 0.01
        found.told(0, "a" * length)
        assert found.wanted(1)
    found.told(1, "b")
    found.told(1, "bc")
    found.flush()
    told = [message[2:] for message in sent if message[0] == "told"]
    assert 15 <= sum(item == 0 for item, _ in told) <= 22
    assert told[-2:] == [(0, "a" * 100), (1, "bc")]


def test_what_was_kept_back_is_told_when_its_pause_is_over_though_nothing_is_new(clock: list[float]) -> None:
    sent = Sent()
    found = Following(batch(waiting(7, 1, streamed=True)), sent)
    found.told(0, "a")
    found.told(0, "ab")
    assert len(sent) == 1
    clock[0] += 0.06
    found.wanted(0)
    assert sent[1:] == [("told", 7, 0, "ab")]


def test_who_asked_for_no_stream_is_told_nothing(clock: list[float]) -> None:
    sent = Sent()
    found = Following(batch(waiting(1, 1), waiting(2, 1, streamed=True)), sent)
    assert [found.listens(index) for index in (0, 1)] == [False, True]
    found.told(0, "a")
    found.flush()
    assert sent == []


def test_a_worker_that_goes_on_gives_signs_of_life(clock: list[float]) -> None:
    sent = Sent()
    found = Following(batch(waiting(1, 1)), sent)
    for _ in range(50):
        clock[0] += 0.1
        found.wanted(0)
    assert set(sent) == {("alive",)}
    assert 4 <= len(sent) <= 5


@pytest.mark.parametrize("call", ["classify", "explain", "detect", "samples"])
def test_what_nobody_waits_for_ends_between_two_items(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from patchword.server import work

    gone, done = waiting(1, 5, call), []

    def slow(loaded: Any, model: str, options: Any, items: Any, watch: Any) -> Any:
        for item in items:
            done.append(item)
            gone.wanted = len(done) < 2
        return done

    monkeypatch.setitem(work.CALLS, call, slow)
    sent = Sent()
    Worker(sent, Dispatcher(0, lambda call: 100), None).compute(batch(gone))
    assert done == ["1.0", "1.1"]
    assert [message[0] for message in sent] == ["began", "computed"]


def test_while_one_waits_all_items_are_given(clock: list[float]) -> None:
    gone, stays = waiting(1, 2), waiting(2, 1)
    found = Following(batch(gone, stays), Sent())
    gone.wanted = False
    assert list(found.items) == ["1.0", "1.1", "2.0"]
    stays.wanted = False
    with pytest.raises(Unwanted):
        list(found.items)
