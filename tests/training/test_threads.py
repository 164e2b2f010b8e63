"""One thread where several take much longer, as they do beside another program."""

import pytest
import torch

from patchword.training import threads
from patchword.training import threads as threads_of

pytestmark = pytest.mark.usefixtures("two_threads")


class Clock:
    """Under which a round takes the seconds that are given for its number of threads."""

    def __init__(self, seconds: dict[int, float]) -> None:
        self.seconds, self.now = seconds, 0.0

    def __call__(self) -> float:
        self.now += self.seconds[torch.get_num_threads()]
        return self.now


@pytest.mark.parametrize(("several", "chosen"), [(0.6, 2), (1.0, 2), (1.1, 2), (1.3, 1), (9.0, 1)])
def test_one_thread_is_chosen_where_several_are_much_slower(
    monkeypatch: pytest.MonkeyPatch, several: float, chosen: int
) -> None:
    monkeypatch.setattr(threads.time, "perf_counter", Clock({1: 1.0, 2: several}))
    found, ratio = threads.suitable_threads(2)
    assert found == chosen
    assert ratio == pytest.approx(several)
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize(
    ("seconds", "chosen"),
    [
        ({8: 1.0, 7: 1.1, 4: 1.5, 1: 3.0}, 8),
        ({8: 6.0, 7: 1.1, 4: 1.5, 1: 3.0}, 7),
        ({8: 6.0, 7: 5.0, 4: 1.5, 1: 3.0}, 4),
        ({8: 6.0, 7: 5.0, 4: 4.0, 1: 3.0}, 1),
        ({8: 2.0, 7: 1.05, 4: 1.0, 1: 1.0}, 7),
        ({8: 1.1, 7: 1.1, 4: 0.8, 1: 1.0}, 8),  # small products gain little
    ],
)
def test_of_many_cores_as_many_are_taken_as_are_free(
    monkeypatch: pytest.MonkeyPatch, seconds: dict[int, float], chosen: int
) -> None:
    monkeypatch.setattr(threads.time, "perf_counter", Clock(seconds))
    assert threads.suitable_threads(8)[0] == chosen
    assert torch.get_num_threads() == 2


def test_with_one_thread_there_is_nothing_to_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads.time, "perf_counter", lambda: pytest.fail("measured"))
    assert threads.suitable_threads(1) == (1, 1.0)


@pytest.mark.parametrize(
    ("cores", "processes", "wanted", "threads"),
    [(2, 2, None, 1), (2, 2, 2, 1), (8, 2, None, 2), (8, 2, 3, 3), (8, 2, 8, 4), (8, 16, None, 1), (None, 2, 4, 1)],
)
def test_processes_share_the_cores(
    monkeypatch: pytest.MonkeyPatch, cores: int | None, processes: int, wanted: int | None, threads: int
) -> None:
    monkeypatch.setattr(threads_of.os, "cpu_count", lambda: cores)
    assert threads_of.share_of_threads(wanted, processes) == threads


def test_what_is_hopeless_is_measured_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[int] = []

    def measure(number: int) -> float:
        measured.append(number)
        return {4: 9.0, 3: 2.0, 2: 2.0, 1: 1.0}[number]

    monkeypatch.setattr(threads, "_round", measure)
    assert threads.suitable_threads(4) == (1, 9.0)
    assert (measured.count(4), measured.count(1)) == (1, threads.ROUNDS)
