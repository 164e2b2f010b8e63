"""curves.png is drawn at first, at the end, and between them as often as its time allows."""

from pathlib import Path
from typing import Any

import pytest

from patchword.errors import PatchwordError
from patchword.training import curves
from patchword.training.curves import Curves
from patchword.training.metrics import MetricsLog


class Clock:
    """A drawing takes a second of it, and everything else what is added."""

    now = 100.0


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each drawing had."""
    found: list[int] = []

    def draw(rows: list[dict[str, Any]], path: Path) -> None:
        Clock.now += 1
        found.append(len(rows))

    monkeypatch.setattr(curves, "draw_curves", draw)
    monkeypatch.setattr(curves.time, "perf_counter", lambda: Clock.now)
    return found


def validation(step: int) -> dict[str, Any]:
    return {"step": step, "validation": {"loss": 1.0}}


def test_it_takes_a_twentieth_of_the_time(drawn: list[int], tmp_path: Path) -> None:
    with MetricsLog(tmp_path / "metrics.jsonl", listeners=[Curves(tmp_path / "curves.png")]) as log:
        log.add({"step": 0, "loss": 3.0})
        assert drawn == []
        log.add(validation(1))
        assert drawn == [2]
        for step in range(2, 12):
            Clock.now += 3
            log.add(validation(step))
        assert drawn == [2, 9]
    assert drawn == [2, 9, 12]


def test_what_was_drawn_is_not_drawn_again_and_earlier_sittings_are_in_it(drawn: list[int], tmp_path: Path) -> None:
    listener = Curves(tmp_path / "curves.png")
    listener.begin([validation(1), validation(2)])
    listener.end()
    assert drawn == []
    listener.add(validation(3))
    listener.end()
    assert drawn == [3]


def test_an_error_that_ends_a_run_is_the_one_that_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    listener = Curves(tmp_path / "file" / "curves.png")
    log = MetricsLog(tmp_path / "metrics.jsonl", listeners=[listener])
    listener._stale = True
    log.__exit__(ValueError, ValueError("no number"), None)
    with pytest.raises(PatchwordError, match="file"):
        log.__exit__(None, None, None)


def test_a_picture_is_drawn(tmp_path: Path) -> None:
    with MetricsLog(tmp_path / "metrics.jsonl", listeners=[Curves(tmp_path / "curves.png")]) as log:
        log.add({"step": 1, "loss": 3.0})
        log.add({"step": 1, "validation": {"loss": 2.5, "bleu": 3.0}})
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
