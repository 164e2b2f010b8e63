"""The demo's report in a browser: its phrases and digits can be looked into."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from patchword.demo.report import Confusion, ImageRow, Report, Score, SystemReport, TranslationRow, write_report
from patchword.explain.drawing import curves_svg
from tests.explain.documents import image_document, text_document
from tests.pages.conftest import Opened

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture
def report(tmp_path: Path) -> Path:
    digit = image_document(layers=2, heads=2, grid=4)
    digits = [(name, {**digit, "model": {**digit["model"], "name": f"model of {name}"}}) for name in "0123"]
    curves = (curves_svg({"training": [(1, 2.0), (2, 1.0)]}, "loss (nats)"),)
    sentences = [text_document(6, layers=2, heads=2), text_document(9, layers=2, heads=2)]
    write_report(
        tmp_path / "report.html",
        Report(
            languages=("English", "German"),
            languages_zh=("英语", "德语"),
            codes=("en", "de"),
            translator=SystemReport("some phrases", (Score("93.8 %", "exact match", "完全匹配"),), curves),
            translations=[TranslationRow(one["text"]["source"], "x", "x") for one in sentences],
            sentences=[{**one, "title": f"phrase {number}"} for number, one in enumerate(sentences)],
            classifier=SystemReport("some images", (Score("98.2 %", "accuracy", "准确率"),), ()),
            confusion=Confusion(("0", "1"), ((45, 0), (2, 40))),
            images=[ImageRow(one["image"]["picture"], name, ((name, 0.9),), one) for name, one in digits],
            commands=["patchword info demo/classifier"],
            minutes=3.4,
        ),
    )
    return tmp_path / "report.html"


def heading(page: "Page", place: str) -> str:
    return page.locator(f"#{place} h2").inner_text()


def test_another_phrase_and_another_digit_can_be_looked_into(
    opened: Opened, until: Callable[[Callable[[], object]], object], report: Path
) -> None:
    page = opened(report)
    page.locator("#sentence details").first.scroll_into_view_if_needed()
    words = page.locator("#sentence .words-line").first
    words.wait_for()
    shorter = words.locator(".word").count()
    page.locator("#sentence select").first.select_option("1")
    until(lambda: words.locator(".word").count() > shorter)
    assert heading(page, "digit") == "model of 0"
    page.locator(".digit").nth(2).focus()
    page.keyboard.press("Enter")
    assert heading(page, "digit") == "model of 2"
    assert page.locator(".digit").nth(2).get_attribute("aria-pressed") == "true"
    until(lambda: page.locator("#digit .picture canvas").is_visible())
    assert page.evaluate("document.activeElement.id") == "digit"  # where Tab goes on from
    assert [one for one in page.asked if not one.startswith("data:")] == [report.resolve().as_uri()]


def test_explanations_change_their_language_and_nothing_serious_hinders(
    opened: Opened, hindrances: Callable[["Page"], list[str]], kept_picture: Callable[["Page", str], Path], report: Path
) -> None:
    page = opened(report, dark=True)
    page.get_by_role("button", name="中文").click()
    for place in ("sentence", "digit"):
        page.locator(f"#{place} details").first.scroll_into_view_if_needed()
        page.locator(f"#{place} details .body").first.locator("*").first.wait_for()
    assert "译文" in page.locator("#sentence").inner_text()
    assert page.locator("#sentence > div").get_attribute("lang") == "zh-CN"
    assert page.locator("body").get_attribute("lang") == "en"
    kept_picture(page, "report-dark")
    assert hindrances(page) == []


def test_on_a_phone_nothing_is_wider_than_the_screen(opened: Opened, report: Path) -> None:
    page = opened(report, width=390)
    for place in ("sentence", "digit"):
        page.locator(f"#{place}").scroll_into_view_if_needed()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
