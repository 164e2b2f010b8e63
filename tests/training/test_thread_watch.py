"""The number of threads while other programs come and go."""

from typing import Any

import pytest
import torch

from patchword.training import thread_watch
from patchword.training.events import Event, Note
from patchword.training.state import Progress
from patchword.training.thread_watch import FIRST, MOST, ThreadWatch

pytestmark = pytest.mark.usefixtures("two_threads")


class Machine:
    """A clock, a measurement that says how many threads suit, and a watch that is told of updates by it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, most: int = 2) -> None:
        self.now, self.suits, self.measured = 0.0, most, 0
        self.said: list[str] = []
        monkeypatch.setattr(thread_watch.time, "perf_counter", lambda: self.now)
        monkeypatch.setattr(thread_watch, "suitable_threads", self._measure)
        self.progress, self.rows = Progress(), []
        self.watch = ThreadWatch(most, self._hear)
        self.begin()

    def begin(self, resumed: bool = False) -> None:
        self.watch.begin(self.progress, self, resumed)  # type: ignore[arg-type]

    def add(self, row: dict[str, Any]) -> None:
        self.rows.append(row)

    def _measure(self, most: int) -> tuple[int, float]:
        self.measured += 1
        return self.suits, 6.0

    def _hear(self, event: Event) -> None:
        assert isinstance(event, Note)
        self.said.append(event.text)

    def work(self, seconds: float, each: float = 0.2, items: int = 100) -> list[int]:
        """The numbers that some time of updates changes to."""
        before, end = len(self.rows), self.now + seconds
        while self.now < end:
            self.now += each
            self.progress.step += 1
            self.watch.updated(each, items)
        assert self.progress.threads == torch.get_num_threads()
        return [row["threads"] for row in self.rows[before:]]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def test_while_nothing_is_slow_the_first_number_is_doubted_once(machine: Machine) -> None:
    assert machine.work(FIRST - 1) == []
    assert machine.measured == 0
    assert machine.work(600) == []
    assert machine.measured == 1


def test_a_run_that_is_slow_from_its_first_update_is_found_out(machine: Machine) -> None:
    machine.suits = 1
    assert machine.work(FIRST + 2, each=1.0) == [1]
    machine.suits = 2
    assert machine.work(FIRST + 2, each=0.3) == [2]
    machine.suits = 1  # what was just measured met a moment without the other program
    assert machine.work(FIRST + 6, each=1.0) == [1]


def test_what_comes_after_the_first_doubt_is_met_within_ten_seconds(machine: Machine) -> None:
    machine.work(FIRST + 5)
    machine.suits = 1
    assert machine.work(FIRST - 4, each=0.6) == [1]


def test_longer_batches_are_not_slow(machine: Machine) -> None:
    for items in (100, 400, 50, 800):
        machine.work(30, each=0.002 * items, items=items)
    assert machine.measured == 1


def test_one_thread_from_when_another_program_begins_and_all_again_after_it(machine: Machine) -> None:
    machine.work(30)
    machine.suits = 1
    assert machine.work(3, each=0.6) == [1]
    assert torch.get_num_threads() == 1
    assert "training goes on with one thread: 2 took 6.0 times as long just now" in machine.said[0]
    assert machine.work(100, each=0.3) == []
    machine.suits = 2
    assert machine.work(120, each=0.3) == [2]
    assert torch.get_num_threads() == 2
    assert machine.said[1:] == ["training goes on with 2 threads again"]


def test_one_slow_update_is_no_reason(machine: Machine) -> None:
    machine.work(30)
    for _ in range(20):
        machine.work(0.1, each=2.0)
        machine.work(2)
    assert machine.measured == 1


def test_what_measuring_does_not_change_is_measured_less_and_less_often(machine: Machine) -> None:
    machine.work(30)
    machine.work(3600, each=0.6)  # a slower processor, for no other program's sake
    assert machine.said == []
    # After 10, 20, 40, ... seconds, and then every 4 minutes.
    assert machine.measured <= 6 + 3600 / MOST
    assert machine.measured >= 3600 / MOST


def test_a_change_is_not_undone_at_once(machine: Machine) -> None:
    machine.work(30)
    machine.suits = 1
    machine.work(3, each=0.6)
    machine.suits = 2
    assert machine.work(FIRST - 4, each=0.3) == []


def test_of_many_threads_some_may_be_left(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(8)
    machine = Machine(monkeypatch, most=8)
    machine.work(30)
    machine.suits = 7
    assert machine.work(3, each=0.6) == [7]
    machine.suits = 4
    assert machine.work(60, each=0.6) == [4]
    assert "training goes on with 4 threads: 8 took" in machine.said[1]


def test_a_run_begins_with_a_row_and_goes_on_with_what_it_had(machine: Machine) -> None:
    assert machine.rows == [{"step": 0, "epoch": 0, "threads": 2}]
    torch.set_num_threads(1)
    machine.begin(resumed=True)
    assert torch.get_num_threads() == 2
    assert len(machine.rows) == 1


def test_what_a_state_says_is_doubted_at_once_even_if_nothing_was_faster_before(machine: Machine) -> None:
    machine.suits = 1
    machine.begin(resumed=True)
    assert machine.work(6, each=1.0) == [1]
    assert machine.measured == 1


def test_a_number_of_a_machine_with_more_cores_is_not_taken(machine: Machine) -> None:
    machine.progress.threads = 16
    machine.begin(resumed=True)
    assert machine.progress.threads == torch.get_num_threads() == 2
    assert machine.rows[-1]["threads"] == 2


def test_a_number_that_is_not_open_is_let_be(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch)
    rows = len(machine.rows)
    machine.watch = ThreadWatch(None, machine._hear)
    machine.begin()
    for _ in range(100):
        machine.watch.updated(0.1, 1)
        machine.watch.updated(9.0, 1)
    assert (machine.measured, len(machine.rows), machine.progress.threads) == (0, rows, 0)
