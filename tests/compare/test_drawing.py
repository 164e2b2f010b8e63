"""Numbers below an axis can be read."""

import re
from itertools import pairwise

import pytest

from patchword.compare.drawing import svg
from patchword.compare.plots import Plot, Point, Series
from patchword.compare.words import both


@pytest.mark.parametrize(("values", "written"), [([16, 64, 256], True), ([100, 103, 400], False)])
def test_the_values_themselves_are_written_only_where_there_is_room(values: list[float], written: bool) -> None:
    points = [Point(float(value), 0.5) for value in values]
    picture = svg(Plot(both("title"), both("x"), both("y"), [Series(both("one"), points)], log_x=True))
    numbers = re.findall(r'<text x="([\d.]+)" y="[\d.]+" text-anchor="middle">([\d.e+-]+)</text>', picture)
    below = [(float(place), number) for place, number in numbers]
    assert ([number for _, number in below] == [str(value) for value in values]) is written
    assert all(after[0] - before[0] > 30 for before, after in pairwise(below))
    assert below
