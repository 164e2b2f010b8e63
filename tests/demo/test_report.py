"""The demo's page: one file with everything in it, and nothing that a network is needed for."""

import dataclasses
import html
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from patchword.demo.report import (
    Confusion,
    ImageRow,
    Report,
    Score,
    SystemReport,
    TranslationRow,
    beside,
    write_report,
)
from patchword.explain.drawing import curves_svg
from tests.explain.documents import image_document, text_document

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Collects attributes and text, and checks that tags are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[dict[str, str]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.append({name: value or "" for name, value in attrs})
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def report() -> Report:
    digit = image_document(layers=2, heads=2, grid=4)
    picture = digit["image"]["picture"]
    return Report(
        languages=("English", "Chinese"),
        languages_zh=("英语", "中文"),
        codes=("en", "zh-Hant"),
        translator=SystemReport(
            "16,000 phrases",
            (Score("93.8 %", "exact match", "完全匹配"), Score("97.3", "chrF")),
            (curves_svg({"training": [(1, 2.0), (2, 1.0)]}, "loss (nats)"),),
        ),
        translations=[
            TranslationRow("Peru & Chile", "秘鲁和智利", "秘鲁和智利"),
            TranslationRow("<b>5 bars</b>", "5 $minutes", "5巴"),
        ],
        sentences=[text_document(layers=2, heads=2), text_document(4, layers=1, heads=2, words=["</script>", "."])],
        classifier=SystemReport("1,347 images", (Score("98.2 %", "accuracy", "准确率"),), ()),
        confusion=Confusion(("3", "8"), ((45, 0), (2, 40))),
        images=[
            ImageRow(picture, "8", (("1", 0.62), ("8", 0.3)), {**digit, "title": "an 8"}),
            ImageRow(picture, "3", (("3", 0.91), ("5", 0.06)), {**digit, "title": "a 3"}),
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
    assert not {"iframe", "object"} & set(page.tags)
    source = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "https://" not in source
    assert source.replace('"http://www.w3.org/2000/svg"', "").count("http://") == 0
    assert "@import" not in source
    assert "url(" not in source
    policy = next(found["content"] for found in page.attributes if found.get("http-equiv"))
    assert policy.startswith("default-src 'none'; img-src data: blob:; ")
    assert policy.count("sha256-") == 1  # the script


def test_the_page_has_the_scores_the_phrases_and_the_commands(page: Page) -> None:
    for text in ("93.8 %", "97.3", "98.2 %", "3.4 minutes", "English to Chinese", "英语到中文", "16,000 phrases"):
        assert text in page.text
    for text in ("Peru & Chile", "秘鲁和智利", "patchword translate demo/translator 'Peru & Chile'"):
        assert text in page.text


def test_right_and_wrong_are_marked(page: Page) -> None:
    assert (page.text.count("✓"), page.text.count("✗")) == (2, 2)
    assert "1 ✗ is 8" in page.text


def test_right_and_wrong_phrases_stand_in_groups_that_say_how_many_there_are(page: Page) -> None:
    assert page.text.index("1 of 1 that are right") < page.text.index("Peru & Chile")
    assert page.text.index("1 of 1 that are not the reference") < page.text.index("<b>5 bars</b>")
    assert (
        page.text.index("Right 正确") < page.text.index("3 ✓") < page.text.index("Wrong 错误") < page.text.index("1 ✗")
    )


def test_half_of_the_phrases_shown_are_wrong_ones_where_there_are_enough() -> None:
    right = [TranslationRow(str(n), "a", "a") for n in range(50)]
    wrong = [TranslationRow(str(n), "a", "b") for n in range(50)]
    mixed = [row for pair in zip(wrong, right, strict=True) for row in pair]
    assert beside(mixed) == (right[:5], wrong[:5])
    assert beside([*right, *wrong[:2]]) == (right[:8], wrong[:2])
    assert beside(wrong) == ([], wrong[:10])
    assert beside(right[:3]) == (right[:3], [])


def test_a_page_without_mistakes_has_no_empty_group(report: Report, tmp_path: Path) -> None:
    flawless = dataclasses.replace(report, translations=report.translations[:1], images=report.images[1:])
    write_report(tmp_path / "report.html", flawless)
    source = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "not the reference" not in source
    assert "Right <span" in source
    assert "Wrong <span" not in source


def marked(report: Report, translation: str, reference: str, tmp_path: Path) -> list[str]:
    rows = [TranslationRow("source", translation, reference)]
    write_report(tmp_path / "report.html", dataclasses.replace(report, translations=rows))
    return re.findall("<mark>(.*?)</mark>", (tmp_path / "report.html").read_text(encoding="utf-8"))


def test_what_differs_is_marked_by_words_or_by_characters_of_scripts_without_spaces(
    report: Report, tmp_path: Path
) -> None:
    assert marked(report, "Peru und Chile", "Peru oder Chile", tmp_path) == ["und", "oder"]
    assert marked(report, "5月22日 03:38", "5月22日 03:08", tmp_path) == ["38", "08"]
    assert marked(report, "南国和法国", "南苏丹和法国", tmp_path) == ["国", "苏丹"]
    assert marked(report, "GmbH和公司", "GmbH或公司", tmp_path) == ["和", "或"]
    assert marked(report, "a < b", "a & b", tmp_path) == ["&lt;", "&amp;"]
    assert marked(report, "", "Peru", tmp_path) == ["Peru"]
    assert marked(report, "Peru", "Peru", tmp_path) == []


def test_the_confusion_matrix_is_a_table_with_a_head_for_each_row_and_column(page: Page, tmp_path: Path) -> None:
    source = (tmp_path / "report.html").read_text(encoding="utf-8")
    matrix = source[source.index('<table class="confusion">') :].split("</table>")[0]
    rows = [re.findall(r"<t[dh][^>]*>(\d*)</t", row) for row in matrix.split("<tr>")[1:]]
    assert rows == [["", "3", "8"], ["3", "45", ""], ["8", "2", "40"]]
    assert matrix.count('scope="row"') == matrix.count('scope="col"') == 2
    assert "--share:0.048" in matrix  # 2 of 42


def test_each_cell_of_a_phrase_says_what_it_is_and_in_which_language(page: Page) -> None:
    cells = [(found["data-name"], found["lang"]) for found in page.attributes if "data-name" in found]
    assert cells == [("source", "en"), ("translation", "zh-Hant"), ("reference", "zh-Hant")] * 2


def test_nothing_needs_a_pointer(page: Page) -> None:
    """What can be clicked is a link or a button, which a keyboard reaches."""
    places = {f"#{found['id']}" for found in page.attributes if "id" in found}
    links = [found["href"] for found in page.attributes if "href" in found and "rel" not in found]
    assert links == ["#words", "#patches", "#next"]
    assert set(links) < places
    assert all(tag == "button" for tag, found in zip(page.tags, page.attributes, strict=True) if "data-in" in found)
    assert not any(name.startswith("on") or name == "title" for found in page.attributes for name in found)


def test_each_picture_has_words_for_who_cannot_see_it(page: Page) -> None:
    for tag, found in zip(page.tags, page.attributes, strict=True):
        if tag == "img":
            assert found["alt"]
        if tag == "svg":
            assert (found["role"], bool(found["aria-label"])) == ("img", True)


def test_text_is_escaped_and_no_placeholder_in_it_is_filled(page: Page) -> None:
    assert "<b>5 bars</b>" in page.text
    assert "5 $minutes" in page.text


def test_images_are_looked_into_in_the_order_in_which_they_are_shown(page: Page, tmp_path: Path) -> None:
    source = (tmp_path / "report.html").read_text(encoding="utf-8")
    found = json.loads(source.split('id="documents">')[1].split("</script>")[0])
    assert [one["title"] for one in found["images"]] == ["a 3", "an 8"]
    assert page.text.index("3 ✓") < page.text.index("1 ✗ is 8")
    assert source.count('data-in="digit"') == 2
    assert "▁</script>" in found["sentences"][1]["text"]["source_pieces"]


def test_it_can_be_read_in_the_dark_and_on_a_phone(page: Page, tmp_path: Path) -> None:
    source = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "prefers-color-scheme: dark" in source
    assert 'name="viewport"' in source


BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# The page in a frame of the phone's size, and a list of what reaches beyond it on either side or is clipped.
FRAME = """<!doctype html><meta charset="utf-8">
<body><iframe style="width: {width}px; height: 9000px; border: 0" srcdoc="{page}"></iframe>
<script>
document.querySelector("iframe").onload = async event => {{
  const page = event.target.contentDocument;
  await page.fonts.ready; // a line is as wide as it was in the font before, until the next one is there
  await new Promise(done => setTimeout(done, 200));
  const seen = [...page.querySelectorAll("body *:not(thead):not(thead *)")];
  const beyond = seen.filter(e => e.getBoundingClientRect().right > {width} || e.getBoundingClientRect().left < 0
    || e.tagName != "svg" && !e.closest("svg") && e.clientWidth && e.scrollWidth > e.clientWidth + 1);
  const answer = document.createElement("pre");
  answer.id = "answer";
  answer.textContent = seen.length + " elements; beyond: "
    + beyond.map(e => e.tagName + " " + e.textContent.slice(0, 30)).join("; ");
  document.body.append(answer);
}};
</script>"""


@pytest.mark.skipif(BROWSER is None, reason="needs chromium")
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_is_off_the_screen(report: Report, width: int, tmp_path: Path) -> None:
    assert BROWSER is not None
    names = tuple("0123456789")
    wide = dataclasses.replace(
        report,
        translations=[*report.translations, TranslationRow("Donaudampfschifffahrt" * 4, "多" * 60, "W" * 70)],
        sentences=[text_document(60, words=["Donaudampfschifffahrt" * 4, "."])],
        confusion=Confusion(names, tuple((45,) * 10 for _ in names)),
        images=[*report.images] * 5,
        commands=["patchword translate " + "a/very/long/path" * 9],
    )
    write_report(tmp_path / "report.html", wide)
    page = html.escape((tmp_path / "report.html").read_text(encoding="utf-8"))
    (tmp_path / "frame.html").write_text(FRAME.format(width=width, page=page), encoding="utf-8")
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1400,1000", "--virtual-time-budget=5000"]
    shown = subprocess.run(
        [*command, "--dump-dom", (tmp_path / "frame.html").as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    answer = re.search(r'id="answer">(\d+) elements; beyond: (.*?)</pre>', shown, re.DOTALL)
    assert answer is not None
    assert int(answer[1]) > 100
    assert answer[2] == ""
