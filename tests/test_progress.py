"""How events look."""

import pytest

from patchword.progress import ProgressPrinter
from patchword.training.events import Note, Progress


def test_notes_and_stages_are_drawn_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressPrinter() as tell:
        tell(Note("58 training images [not markup]"))
        tell(Progress("reading photos [a]", 0.5, "29 of 58"))
        tell(Progress("reading photos [a]", 1.0, "58 of 58"))
    shown = capsys.readouterr()
    assert shown.out == ""
    for part in ("58 training images [not markup]", "reading photos [a]", "100 %", "58 of 58"):
        assert part in shown.err


def test_notes_can_be_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressPrinter(notes=False) as tell:
        tell(Note("a note"))
    assert "a note" not in capsys.readouterr().err


def test_a_mistake_before_the_first_stage_has_nothing_drawn_above_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError), ProgressPrinter():
        raise ZeroDivisionError
    assert capsys.readouterr().err == ""
