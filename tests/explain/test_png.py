import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from patchword.explain import png as pictures
from patchword.explain import png_fonts
from patchword.explain.packing import packed
from patchword.explain.png import png
from patchword.explain.png_fonts import Lettering
from tests.explain.documents import against, hostile_document, image_document, text_document


def opened(picture: bytes) -> np.ndarray:
    image = Image.open(io.BytesIO(picture))
    assert image.format == "PNG"
    return np.asarray(image.convert("RGB")).astype(int)


def near(pixels: np.ndarray, colour: str) -> np.ndarray:
    wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return np.abs(pixels - wanted).max(-1) <= 2


def test_the_heat_map_is_dark_where_the_translation_looked() -> None:
    document = text_document(6, 1, 1)
    weights = np.zeros((1, 1, 8, 6), np.float32)
    weights[0, 0, 2, 4] = 1.0
    document["text"]["maps"] = {"cross": packed(weights, ("layer", "head", "target", "source"))}
    document["text"]["alignment"]["reading"] = {"layer": 0, "shifted": False}
    pixels = opened(png(document))
    dark, light = (np.argwhere(near(pixels, pictures.TIDE_LIGHT[end])) for end in (-1, 0))
    (top, left), (bottom, _) = light.min(0), light.max(0)
    # The scale's own dark end lies below the map.
    cell = dark[dark[:, 0] < top + (bottom - top) / 2].mean(0)
    height = 0.27 * pictures.DPI
    assert int((cell[0] - top) / height) == 2
    assert int((cell[1] - left) / height) == 4


def test_a_shifted_reading_is_drawn_as_it_is_read() -> None:
    document = text_document(6, 1, 1)
    document["text"]["alignment"]["reading"] = {"layer": 0, "shifted": True}
    weights, told = pictures._read_weights(document["text"])
    document["text"]["alignment"]["reading"] = {"layer": 0, "shifted": False}
    plain, _ = pictures._read_weights(document["text"])
    np.testing.assert_array_equal(weights[:-1], plain[1:])
    assert told == "attention, layer 1, mean of heads"


def test_a_map_lies_over_what_the_model_saw_alone() -> None:
    document = image_document(2, 2, 4)
    document["image"]["box"] = [0.5, 0.0, 1.0, 1.0]
    bare = {**document, "image": {**document["image"], "maps": []}}
    mapped, plain = opened(png(document)), opened(png(bare))
    changed = np.argwhere((np.abs(mapped - plain).max(-1) > 8)[: int(4 * pictures.DPI)])
    left = 0.25 * pictures.DPI
    width = min(3.6 * 512 / 340, 4.6) * pictures.DPI
    assert changed[:, 1].min() == pytest.approx(left + width / 2, abs=3)


def test_two_models_stand_beside_each_other() -> None:
    one, other = text_document(5, 1, 1), text_document(9, recurrent=True)
    both = opened(png(against(one, other)))
    assert both.shape[1] == opened(png(one)).shape[1] + opened(png(other)).shape[1]


def test_hostile_strings_are_drawn_without_a_warning() -> None:
    opened(png(hostile_document()))


def test_a_formula_is_no_formula() -> None:
    document = text_document(4, 1, 1)
    document["text"]["source_pieces"][0] = document["title"] = r"$\frac$ \x"
    opened(png(document))


def test_characters_without_a_font_are_code_points_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png_fonts, "_family_with", lambda _char: None)
    lettering = Lettering()
    assert lettering.piece("▁我a") == "·U+6211a"
    assert lettering.missing == {"我"}
    document = text_document(4, 1, 1)
    with_note = {**document, "title": "我"}
    below = slice(-int(0.2 * pictures.DPI), None)
    note, none = (near(opened(png(one))[below], pictures.SOFT).sum() for one in (with_note, document))
    assert note > 100
    assert none == 0


def test_chinese_takes_a_font_that_has_it() -> None:
    if png_fonts._family_with("我") is None:
        pytest.skip("no installed font has Chinese characters")
    lettering = Lettering()
    assert lettering.plain("我喜欢 bikes") == "我喜欢 bikes"
    assert len(lettering.families) == 2
    assert not lettering.missing


def test_the_picture_has_the_pages_colours() -> None:
    source = (Path(pictures.__file__).parent / "page" / "colours.js").read_text()
    tones = {name: re.findall(r'"(#\w+)"', points) for name, points in re.findall(r"(light|dark): \[(.*)\]", source)}
    assert (tuple(tones["light"]), tuple(tones["dark"])) == (pictures.TIDE_LIGHT, pictures.TIDE_DARK)


@pytest.mark.parametrize("points", [pictures.TIDE_LIGHT, pictures.TIDE_DARK], ids=["light", "dark"])
def test_the_colours_read_in_grey(points: tuple[str, ...]) -> None:
    table = pictures._tide(points)(np.linspace(0, 1, 256))[:, :3]
    linear = np.where(table <= 0.04045, table / 12.92, ((table + 0.055) / 1.055) ** 2.4)
    # And as a deuteranope sees it: red and green become one (Viénot, Brettel & Mollon 1999).
    one = linear @ np.array([0.29275, 0.70725, 0.0])
    seen = [linear @ np.array([0.2126, 0.7152, 0.0722]), 0.9278 * one + 0.0722 * linear[:, 2]]
    for luminance in seen:
        lightness = np.cbrt(luminance)
        steps = np.diff(lightness) * np.sign(lightness[-1] - lightness[0])
        assert steps.min() > 0
        assert abs(lightness[-1] - lightness[0]) > 0.5
