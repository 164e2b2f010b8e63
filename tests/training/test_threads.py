"""One thread where several take much longer, as they do beside another program."""

import pytest
import torch

from patchword.training import threads
from patchword.training import threads as threads_of

pytestmark = pytest.mark.usefixtures("two_threads")


class Clock:
    """Under which a round takes `several` seconds with more threads than one, and a second with one."""

    def __init__(self, several: float) -> None:
        self.several, self.now = several, 0.0

    def __call__(self) -> float:
        self.now += self.several if torch.get_num_threads() > 1 else 1.0
        return self.now


@pytest.mark.parametrize(("several", "chosen"), [(0.6, 2), (1.0, 2), (1.4, 2), (1.6, 1), (9.0, 1)])
def test_one_thread_is_chosen_where_several_are_much_slower(
    monkeypatch: pytest.MonkeyPatch, several: float, chosen: int
) -> None:
    monkeypatch.setattr(threads.time, "perf_counter", Clock(several))
    found, ratio = threads.suitable_threads()
    assert found == chosen
    assert ratio == pytest.approx(several)
    assert torch.get_num_threads() == 2


def test_with_one_thread_there_is_nothing_to_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr(threads.time, "perf_counter", lambda: pytest.fail("measured"))
    assert threads.suitable_threads() == (1, 1.0)


@pytest.mark.parametrize(
    ("cores", "processes", "wanted", "threads"),
    [(2, 2, None, 1), (2, 2, 2, 1), (8, 2, None, 2), (8, 2, 3, 3), (8, 2, 8, 4), (8, 16, None, 1), (None, 2, 4, 1)],
)
def test_processes_share_the_cores(
    monkeypatch: pytest.MonkeyPatch, cores: int | None, processes: int, wanted: int | None, threads: int
) -> None:
    monkeypatch.setattr(threads_of.os, "cpu_count", lambda: cores)
    assert threads_of.share_of_threads(wanted, processes) == threads
