"""Pictures of attention: well-formed SVG with escaped text, PNG as data URIs."""

import base64
import io
from xml.etree import ElementTree

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from patchword.explain.drawing import alignment_svg, attention_overlay, curves_svg, image_data_uri

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
    assert texts(svg) == ["·Peru", "·or", "■", "秘鲁", "■"]
    cells = list(parsed(svg).iter(f"{SVG}rect"))
    assert len(cells) == 6
    opacities = [float(cell.attrib["fill-opacity"]) for cell in cells]
    assert np.argsort(opacities).tolist() == np.argsort(weights.flatten().numpy()).tolist()


def test_labels_are_escaped_and_unprintable_characters_do_not_break_the_xml() -> None:
    svg = alignment_svg(torch.ones(2, 1), ["<script>&"], ['"', "\x00\x1b"])
    assert texts(svg) == ["<script>&", '"', "��"]
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
