"""Curves: well-formed SVG with escaped text."""

from xml.etree import ElementTree

import pytest

from patchword.explain.drawing import (
    curves_svg,
    round_ticks,
)

SVG = "{http://www.w3.org/2000/svg}"


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in parsed(svg).iter(f"{SVG}text")]


def test_curves_are_a_line_a_name_with_dots_where_points_are_few() -> None:
    many = [(float(step), 1.0 / step) for step in range(1, 100)]
    svg = curves_svg({"training": many, "a < b": [(50.0, 0.5), (99.0, 0.2)]}, "loss & more")
    assert len(list(parsed(svg).iter(f"{SVG}polyline"))) == 2
    assert len(list(parsed(svg).iter(f"{SVG}circle"))) == 2
    assert {"training", "a < b", "loss & more"} <= set(texts(svg))


def test_curves_fall_on_the_page_as_values_fall_and_stay_inside_it() -> None:
    line = next(parsed(curves_svg({"loss": [(1.0, 9.0), (2.0, 4.0), (3.0, 1.0)]}, "")).iter(f"{SVG}polyline"))
    points = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
    assert points == sorted(points)
    assert [y for _, y in points] == sorted(y for _, y in points)
    assert all(0 <= x <= 420 and 0 <= y <= 220 for x, y in points)


def test_one_point_and_no_point_can_be_drawn() -> None:
    assert len(list(parsed(curves_svg({"validation": [(10.0, 3.0)]}, "")).iter(f"{SVG}circle"))) == 1
    parsed(curves_svg({}, ""))


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.13, 7.6, [0, 2, 4, 6, 8]),
        (94.1, 97.8, [94, 95, 96, 97, 98]),
        (0.012, 0.047, [0.01, 0.02, 0.03, 0.04, 0.05]),
        (-3.0, 3.0, [-4, -2, 0, 2, 4]),
        (0.0, 100.0, [0, 20, 40, 60, 80, 100]),
        (5.0, 5.0, [2, 4, 6, 8]),
        (0.0, 0.0, [-0.6, -0.4, -0.2, 0, 0.2, 0.4, 0.6]),
    ],
)
def test_ticks_are_round_and_enclose_what_is_shown(low: float, high: float, ticks: list[float]) -> None:
    assert round_ticks(low, high) == pytest.approx(ticks)


@pytest.mark.parametrize(("last", "ticks"), [(1500, [0, 500, 1000, 1500]), (3, [0, 1, 2, 3]), (0, [0, 1])])
def test_ticks_of_steps_are_whole(last: float, ticks: list[float]) -> None:
    assert round_ticks(0.0, last, whole=True) == ticks


def labels(svg: str, axis: str) -> list[str]:
    return [found.text or "" for found in parsed(svg).iter(f"{SVG}text") if found.attrib.get("class") == axis]


def test_axes_are_labelled_with_as_many_decimals_as_they_need() -> None:
    svg = curves_svg({"loss": [(25.0, 0.31), (1200.0, 0.12)]}, "loss")
    assert labels(svg, "x") == ["0", "500", "1,000", "1,500"]
    assert labels(svg, "y") == ["0.10", "0.15", "0.20", "0.25", "0.30", "0.35"]


def test_labels_of_long_numbers_stay_inside_the_picture() -> None:
    svg = parsed(curves_svg({"loss": [(1.0, 3e9), (1e6, 9e9)]}, "loss"))
    for found in svg.iter(f"{SVG}text"):
        length, x = 7 * len(found.text or ""), float(found.attrib["x"])
        start = x - {"end": length, "middle": length / 2}.get(found.attrib.get("text-anchor", ""), 0)
        assert start >= 0
        assert start + length <= 360


def test_points_that_are_not_finite_are_left_out() -> None:
    svg = curves_svg({"loss": [(1.0, 2.0), (2.0, float("nan")), (3.0, float("inf")), (4.0, 1.0)]}, "loss")
    assert len(list(parsed(svg).iter(f"{SVG}circle"))) == 2
    assert "nan" not in svg
