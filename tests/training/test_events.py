"""What long work tells."""

from patchword.training.events import Event, Progress, ignore, told


def test_items_pass_through_and_progress_is_told_about_a_hundred_times() -> None:
    heard: list[Event] = []
    assert list(told(range(1000), 1000, "reading", heard.append)) == list(range(1000))
    assert len(heard) == 101
    assert heard[0] == Progress("reading", 0.0, "0 of 1,000")
    assert heard[-1] == Progress("reading", 1.0, "1,000 of 1,000")


def test_nothing_to_go_through_is_done_at_once() -> None:
    heard: list[Event] = []
    assert list(told([], 0, "reading", heard.append)) == []
    assert heard == [Progress("reading", 1.0, "0 of 0")]
    ignore(heard[0])
