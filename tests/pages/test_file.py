"""The page as a file: what a person can do with it, and what it must not do."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from patchword.explain.page import page as page_of
from tests.explain.documents import HOSTILE, against, hostile_document, image_document, text_document

DOCUMENTS: dict[str, Callable[[], dict[str, Any]]] = {
    "text": text_document,
    "long": lambda: text_document(200),
    "recurrent": lambda: text_document(recurrent=True),
    "vit": image_document,
    "resnet": lambda: image_document(residual=True),
    "two-texts": lambda: against(text_document(), text_document(recurrent=True)),
    "two-images": lambda: against(image_document(), image_document(residual=True)),
    "hostile": hostile_document,
}


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folder = tmp_path_factory.mktemp("pages")

    def file(name: str) -> Path:
        path = folder / f"{name}.html"
        if not path.exists():
            path.write_text(page_of(DOCUMENTS[name]()), encoding="utf-8")
        return path

    return file


def unfold(page: Any, groups: int = 1) -> None:
    """Opens every part, and the first groups of the walk; all that is open is drawn as it is before printing."""
    page.evaluate(
        """async (groups) => {
          const rest = () => new Promise((done) => setTimeout(done, 10));
          for (let round = 0; round < 3; round += 1) {
            for (const part of document.querySelectorAll("details.part, .part > .body > * > .aside")) part.open = true;
            [...document.querySelectorAll("details.group")].slice(0, groups).forEach((one) => { one.open = true; });
            await rest(); // until the parts know that they were opened
            dispatchEvent(new Event("beforeprint"));
            while (document.querySelector("[aria-busy]")) await rest();
          }
        }""",
        groups,
    )


def overflow(page: Any) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def text_of(page: Any, selector: str) -> str:
    return str(page.locator(selector).first.inner_text())


def test_a_vit_opens_in_under_a_second_and_asks_for_nothing(opened: Any, pages: Any) -> None:
    path = pages("vit")
    assert path.stat().st_size < 3_000_000
    opened(pages("resnet"))  # the browser itself has started then
    page = opened(path)
    assert page.took < 1.0
    unfold(page)
    assert [url for url in page.asked if not url.startswith(("data:", "blob:"))] == [path.resolve().as_uri()]


def test_nothing_is_drawn_or_inflated_before_it_is_looked_at(opened: Any, pages: Any, until: Any) -> None:
    page = opened(pages("long"))
    page.evaluate(
        """() => { window.inflated = 0; const Whole = DecompressionStream;
        window.DecompressionStream = function (form) { window.inflated += 1; return new Whole(form); }; }"""
    )
    assert page.locator("canvas, svg").count() == 0
    assert page.evaluate("inflated") == 0
    page.get_by_role("heading", name="Where it looked").click()
    until(lambda: page.locator(".heat canvas").count() == 1)
    assert page.evaluate("inflated") == 1


@pytest.mark.parametrize(
    ("name", "width"),
    [
        ("text", 320),
        ("vit", 320),
        ("two-texts", 320),
        ("resnet", 320),
        ("text", 1100),
        ("vit", 1100),
        ("two-images", 1100),
    ],
)
def test_the_page_is_never_wider_than_the_screen(
    opened: Any, pages: Any, kept_picture: Any, name: str, width: int
) -> None:
    page = opened(pages(name), width=width)
    assert overflow(page) <= 0
    unfold(page)
    assert overflow(page) <= 0
    kept_picture(page, f"{name}-{width}")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["text", "vit"])
def test_axe_finds_nothing_serious(
    opened: Any, pages: Any, hindrances: Any, kept_picture: Any, name: str, dark: bool
) -> None:
    page = opened(pages(name), dark=dark)
    unfold(page)
    if name == "text":
        page.locator(".target .word").nth(1).click()
    assert hindrances(page) == []
    if dark:
        kept_picture(page, f"{name}-dark")


def test_axe_finds_nothing_serious_beside_another_model_and_on_a_phone(
    opened: Any, pages: Any, hindrances: Any
) -> None:
    page = opened(pages("two-texts"), width=390, language="zh")
    unfold(page)
    assert hindrances(page) == []


def test_a_word_shows_where_it_looked_and_is_looked_at(opened: Any, pages: Any, until: Any, kept_picture: Any) -> None:
    page = opened(pages("text"))
    page.locator(".target .word").first.hover()
    until(lambda: "looked at “A” 0." in text_of(page, ".words .status"))
    weights = page.locator(".source .word").evaluate_all(
        "all => all.map(one => +one.style.getPropertyValue('--weight'))"
    )
    assert max(weights) == weights[0] > 0.2
    assert sum(weights) == pytest.approx(1.0, abs=0.1)  # what is hardly there is not shown
    kept_picture(page, "text-hover")
    page.locator(".source .word").nth(1).hover()
    until(lambda: "“man” was looked at by" in text_of(page, ".words .status"))


def test_a_touch_shows_it_too(opened: Any, pages: Any, until: Any) -> None:
    page = opened(pages("text"), width=390)
    page.locator(".source .word").nth(1).tap()
    until(lambda: "“man” was looked at by" in text_of(page, ".words .status"))


def test_the_keyboard_alone_reaches_words_maps_and_tree(opened: Any, pages: Any, until: Any, kept_picture: Any) -> None:
    page = opened(pages("text"))

    def tab_to(selector: str) -> None:
        for _ in range(30):
            page.keyboard.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"no Tab leads to {selector}")

    tab_to(".source .word")
    page.keyboard.press("ArrowRight")
    until(lambda: "“man” was looked at by" in text_of(page, ".words .status"))
    tab_to(".target .word")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert "What the model weighed at “Mann”" in text_of(page, ".weighed")
    kept_picture(page, "text-alternatives")
    page.keyboard.press("Escape")
    assert not page.locator(".weighed").is_visible()
    tab_to("summary:has(h3)")
    page.keyboard.press("Enter")
    until(lambda: page.locator(".heat-field").count())
    tab_to("input[type=range]")
    page.keyboard.press("ArrowRight")
    assert text_of(page, "output") == "5 of 6"
    tab_to(".heat-field")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert "translation “·Mann”, source “·man”: 0." in text_of(page, ".heat .status")
    tab_to("summary:has(h3)")
    page.keyboard.press("Enter")
    until(lambda: page.locator(".tree-field").count())
    tab_to(".tree-field")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert "Step 2: “·und”" in text_of(page, ".tree .status")


def test_the_map_is_the_layer_and_head_that_was_chosen(opened: Any, pages: Any, until: Any) -> None:
    document = text_document()
    page = opened(pages("text"))
    page.get_by_role("heading", name="Where it looked").click()
    until(lambda: page.locator(".heat-field").count())
    page.get_by_role("combobox", name="Map", exact=True).select_option("encoder")
    page.get_by_role("application", name="Within the source").wait_for()
    page.get_by_role("slider", name="Layer").fill("2")
    page.get_by_role("combobox", name="Head").select_option(label="5")
    from patchword.explain.packing import unpacked

    wanted = unpacked(document["text"]["maps"]["encoder"])[1, 4, 0, 1]
    page.locator(".heat-field").focus()
    page.keyboard.press("ArrowRight")
    assert text_of(page, ".heat .status") == f"source “·A”, source “·man”: {wanted:.3f}"


def test_two_hundred_pieces_stay_usable(opened: Any, pages: Any, until: Any, kept_picture: Any) -> None:
    page = opened(pages("long"), width=390)
    page.get_by_role("heading", name="Where it looked").click()
    until(lambda: page.locator(".heat-field").count())
    page.locator(".heat-field").focus()
    page.keyboard.press("End")
    for _ in range(25):
        page.keyboard.press("PageDown")
    assert "translation “■”, source “■”" in text_of(page, ".heat .status")
    box, field = page.locator(".heat-box"), page.locator(".heat-field .cursor")
    assert overflow(page) <= 0
    outer, inner = box.bounding_box(), field.bounding_box()
    assert outer["x"] <= inner["x"] <= outer["x"] + outer["width"]
    assert outer["y"] <= inner["y"] <= outer["y"] + outer["height"]
    kept_picture(page, "long-390")


def test_the_picture_keeps_its_aspect_ratio_and_the_map_its_place(opened: Any, pages: Any, until: Any) -> None:
    page = opened(pages("vit"))
    until(lambda: page.locator(".overlay canvas").get_attribute("height") == "14")
    picture, overlay = (page.locator(one).bounding_box() for one in (".picture", ".overlay"))
    assert picture["width"] / picture["height"] == pytest.approx(512 / 340, rel=0.01)
    assert overlay["width"] == pytest.approx(overlay["height"], rel=0.01)
    assert overlay["x"] - picture["x"] == pytest.approx((picture["width"] - overlay["width"]) / 2, abs=1.5)
    page.mouse.move(overlay["x"] + overlay["width"] * 0.61, overlay["y"] + overlay["height"] * 0.45)
    until(lambda: text_of(page, ".picture-side .status").startswith("Row 7, column 9: 0.9"))
    assert "0.213 (0.187 to 0.241)" in text_of(page, ".measured")
    page.get_by_role("combobox", name="Map", exact=True).select_option(label="Attention of the class token")
    until(lambda: page.locator(".axes input").count())
    assert text_of(page, ".axes output") == "12 of 12"
    assert not text_of(page, ".measured")


def test_the_language_is_the_browsers_and_a_choice_is_kept(opened: Any, pages: Any, kept_picture: Any) -> None:
    page = opened(pages("text"), language="zh")
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    assert "原文与译文" in text_of(page, "main")
    unfold(page)
    kept_picture(page, "text-zh")
    page.get_by_role("button", name="English").click()
    assert page.locator("html").get_attribute("lang") == "en"
    assert "Source and translation" in text_of(page, "main")
    assert "步骤" not in text_of(page, "main")
    page.reload()
    assert "Source and translation" in text_of(page, "main")
    assert page.locator(".target .words-line").get_attribute("lang") == "de"


def test_hostile_strings_are_text(opened: Any, pages: Any, until: Any, kept_picture: Any) -> None:
    page = opened(pages("hostile"))
    page.evaluate("() => { window.alert = () => { window.broken = true; }; }")
    unfold(page)
    assert page.title() == HOSTILE[0]
    assert text_of(page, "h1") == HOSTILE[0]
    assert page.locator("img").count() == 0
    assert page.evaluate("window.broken") is None
    assert overflow(page) <= 0
    kept_picture(page, "hostile")


def test_words_are_generated_one_at_a_time(opened: Any, pages: Any, until: Any) -> None:
    page = opened(pages("recurrent"))
    page.get_by_role("heading", name="The walk").click()
    page.locator("details.group > summary").last.click()
    until(lambda: page.locator(".written bdi").count() == 1)
    page.get_by_role("button", name="Next").click()
    assert page.locator(".written bdi").all_inner_texts() == ["·Ein", "·Mann"]
    assert text_of(page, ".step .strong").startswith("·Mann")
    page.get_by_role("button", name="Play").click()
    until(lambda: page.locator(".written bdi").count() == 3)
    page.get_by_role("button", name="Pause").click()


def test_a_saved_file_is_the_page_again(opened: Any, pages: Any, tmp_path: Path) -> None:
    page = opened(pages("text"))
    unfold(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as a file").click()
    assert download.value.suggested_filename == "A-man-in-a-blue-shirt-rides-his-bike-home.html"
    saved = tmp_path / "saved.html"
    download.value.save_as(saved)
    again = opened(saved)
    assert text_of(again, "h1") == text_of(page, "h1")
    assert again.locator("details.part").count() == 4
    assert again.locator("canvas").count() == 0


def test_damaged_numbers_are_said_in_their_place(opened: Any, tmp_path: Path) -> None:
    document = json.loads(json.dumps(text_document(6, 1, 2)))
    document["text"]["maps"]["cross"]["shape"][0] = 2
    path = tmp_path / "damaged.html"
    path.write_text(page_of(document), encoding="utf-8")
    page = opened(path)
    page.get_by_role("heading", name="Where it looked").click()
    page.get_by_role("alert").wait_for()
    assert "An array has 96 bytes where its shape 2 × 2 × 8 × 6 wants 192." in page.get_by_role("alert").inner_text()


def test_a_step_has_its_equation_paper_and_shape(opened: Any, pages: Any, until: Any) -> None:
    page = opened(pages("text"))
    page.get_by_role("heading", name="The walk").click()
    page.get_by_text("Part encoder.0").click()
    step = page.locator("[data-step='encoder.0.self_attention.weights']")
    until(lambda: step.locator("canvas").count() == 1)
    assert "softmax(QKᵀ / √dk) V" in step.inner_text()
    assert step.locator(".formula sub").inner_text() == "k"
    assert "12 × 12 (query × key)" in step.inner_text()
    assert "Vaswani et al. 2017, 3.2.1, equation 1" in step.inner_text()
    assert "mean 0.010, deviation 0.980, from −3.20 to 3.40" in step.inner_text()
