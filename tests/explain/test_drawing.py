"""Pictures of attention: well-formed SVG with escaped text, PNG as data URIs."""

import base64
import io
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from patchword.explain.drawing import (
    alignment_svg,
    alignment_width,
    attention_overlay,
    curves_svg,
    image_data_uri,
    round_ticks,
)

SVG = "{http://www.w3.org/2000/svg}"


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in parsed(svg).iter(f"{SVG}text")]


def decoded(uri: str) -> Image.Image:
    head, data = uri.split(",")
    assert head == "data:image/png;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_an_alignment_has_a_label_a_token_and_a_cell_a_pair() -> None:
    weights = torch.tensor([[0.9, 0.1, 0.0], [0.2, 0.3, 0.5]])
    svg = alignment_svg(weights, ["▁Peru", "▁or", "</s>"], ["秘鲁", "</s>"])
    assert [text for text in texts(svg) if not text.isdigit()] == ["·Peru", "·or", "■", "秘鲁", "■"]
    cells = list(parsed(svg).iter(f"{SVG}rect"))
    assert len(cells) == 6
    opacities = [float(cell.attrib["fill-opacity"]) for cell in cells]
    assert np.argsort(opacities).tolist() == np.argsort(weights.flatten().numpy()).tolist()


def test_a_cell_shows_its_weight_in_percent_unless_that_rounds_to_0() -> None:
    svg = alignment_svg(torch.tensor([[0.996, 0.004], [0.006, 0.994]]), ["a", "b"], ["c", "d"])
    assert [text for text in texts(svg) if text.isdigit()] == ["100", "1", "99"]
    assert parsed(svg).attrib["aria-label"] == "c ← a 100 %; d ← b 99 %"


def test_text_on_the_strongest_cell_has_a_contrast_of_4_5_in_light_and_in_dark() -> None:
    cell = next(parsed(alignment_svg(torch.ones(1, 1), ["a"], ["b"])).iter(f"{SVG}rect"))
    opacity = float(cell.attrib["fill-opacity"])
    for ink, card in (("#1d1b19", "#ffffff"), ("#ece7e1", "#211e1b")):  # the demo's page
        mixed = opacity * channels(cell.attrib["fill"]) + (1 - opacity) * channels(card)
        light, dark = sorted((luminance(mixed), luminance(channels(ink))), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def channels(colour: str) -> np.ndarray:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255


def luminance(colour: np.ndarray) -> float:
    """Relative luminance as WCAG 2.1 defines it."""
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_the_width_of_an_alignment_is_known_before_it_is_drawn() -> None:
    source, target = ["▁Peru", "▁or", "</s>"], ["秘鲁", "</s>"]
    svg = parsed(alignment_svg(torch.rand(2, 3), source, target))
    assert svg.attrib["width"] == str(alignment_width(source, target))


def test_labels_are_escaped_and_unprintable_characters_do_not_break_the_xml() -> None:
    svg = alignment_svg(torch.ones(2, 1), ["<script>&"], ['"', "\x00\x1b"])
    assert texts(svg) == ["<script>&", '"', "100", "��", "100"]
    assert "<script>" not in svg


def test_an_alignment_of_nothing_is_still_a_picture() -> None:
    parsed(alignment_svg(torch.zeros(0, 0), [], []))


def test_wide_labels_stay_inside_the_picture() -> None:
    svg = parsed(alignment_svg(torch.ones(1, 1), ["短"], ["波斯尼亚和黑塞哥维那"]))
    label = list(svg.iter(f"{SVG}text"))[1]
    assert float(label.attrib["x"]) >= 13 * 10


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


def pixels() -> Tensor:
    return (torch.arange(3 * 4 * 6, dtype=torch.uint8) * 3).view(3, 4, 6)


def test_a_small_image_is_enlarged_without_changing_its_pixels() -> None:
    image = decoded(image_data_uri(pixels(), size=16))
    assert image.size == (24, 16)
    assert torch.equal(torch.from_numpy(np.array(image))[::4, ::4].permute(2, 0, 1), pixels())


def test_an_overlay_is_brightest_where_the_weight_is_greatest() -> None:
    weights = torch.tensor([[0.0, 0.0], [0.0, 1.0]])
    overlay = np.asarray(decoded(attention_overlay(torch.zeros(3, 8, 8, dtype=torch.uint8), weights, size=32)))
    light = overlay.astype(float).sum(-1)
    assert light[24:, 24:].mean() > 3 * light[:8, :8].mean()


def test_equal_weights_can_be_drawn() -> None:
    assert decoded(attention_overlay(pixels(), torch.ones(2, 3), size=16)).size == (24, 16)


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
