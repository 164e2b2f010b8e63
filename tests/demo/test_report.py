"""The demo's page: one file with everything in it, and nothing that a network is needed for."""

from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch

from patchword.demo.report import ImageRow, Report, Score, SystemReport, TranslationRow, write_report
from patchword.explain.drawing import alignment_svg, attention_overlay, curves_svg, image_data_uri

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Collects attributes and text, and checks that tags are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def report() -> Report:
    pixels = torch.full((3, 8, 8), 90, dtype=torch.uint8)
    picture, overlay = image_data_uri(pixels), attention_overlay(pixels, torch.rand(4, 4))
    return Report(
        languages=("English", "Chinese"),
        languages_zh=("英语", "中文"),
        translator=SystemReport(
            "16,000 phrases",
            (Score("93.8 %", "exact match", "完全匹配"), Score("97.3", "chrF")),
            (curves_svg({"training": [(1, 2.0), (2, 1.0)]}, "loss (nats)"),),
        ),
        translations=[
            TranslationRow("Peru & Chile", "秘鲁和智利", "秘鲁和智利"),
            TranslationRow("<b>5 bars</b>", "5 $minutes", "5巴"),
        ],
        alignments=[("Peru → 秘鲁", alignment_svg(torch.rand(2, 2), ["▁Peru", "</s>"], ["▁秘鲁", "</s>"]))],
        classifier=SystemReport("1,347 images", (Score("98.2 %", "accuracy", "准确率"),), ()),
        images=[
            ImageRow(picture, overlay, (overlay, overlay), "3", (("3", 0.91), ("5", 0.06))),
            ImageRow(picture, overlay, (overlay, overlay), "8", (("1", 0.62), ("8", 0.3))),
        ],
        commands=["patchword translate demo/translator 'Peru & Chile'"],
        minutes=3.4,
    )


@pytest.fixture
def page(report: Report, tmp_path: Path) -> Page:
    write_report(tmp_path / "report.html", report)
    page = Page()
    page.feed((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert page.open == []
    return page


def test_nothing_is_fetched(page: Page, tmp_path: Path) -> None:
    assert page.links
    assert all(link.startswith(("data:", "#")) for link in page.links)
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    source = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "https://" not in source
    assert source.replace('xmlns="http://www.w3.org/2000/svg"', "").count("http://") == 0
    assert "@import" not in source
    assert "url(" not in source


def test_the_page_has_the_scores_the_phrases_and_the_commands(page: Page) -> None:
    for text in ("93.8 %", "97.3", "98.2 %", "3.4 minutes", "English to Chinese", "英语到中文", "16,000 phrases"):
        assert text in page.text
    for text in ("Peru & Chile", "秘鲁和智利", "patchword translate demo/translator 'Peru & Chile'"):
        assert text in page.text


def test_right_and_wrong_are_marked(page: Page) -> None:
    assert (page.text.count("✓"), page.text.count("✗")) == (2, 2)
    assert "1 ✗ is 8" in page.text


def test_text_is_escaped_and_no_placeholder_in_it_is_filled(page: Page) -> None:
    assert "<b>5 bars</b>" in page.text
    assert "5 $minutes" in page.text


def test_both_systems_have_their_attention_pictures(page: Page) -> None:
    assert page.tags.count("svg") == 2
    assert page.tags.count("img") == 2 * 2 + 2 * 3


def test_it_can_be_read_in_the_dark_and_on_a_phone(page: Page, tmp_path: Path) -> None:
    source = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "prefers-color-scheme: dark" in source
    assert 'name="viewport"' in source
