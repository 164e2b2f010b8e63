"""The READMEs' figures are those of docs/, the same in both languages; the Chinese one has one word a thing."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
READMES = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh.md")}
MEASURED = "".join((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("results.md", "performance.md"))


def tables(readme: str) -> list[str]:
    """Rows of all tables."""
    return [line for line in readme.splitlines() if line.startswith("|")]


def figures(text: str) -> list[str]:
    """Numbers with a decimal point or a comma, and whole ones of three digits or more."""
    return re.findall(r"(?<![\w.,-])(?:\d{1,3}(?:,\d{3})+|\d+\.\d+|\d{3,})(?!\w|\.\d)", text)


def test_every_figure_of_the_tables_was_measured() -> None:
    found = figures("\n".join(tables(READMES["README.md"])))
    assert len(found) > 40
    measured = set(figures(MEASURED))
    assert [figure for figure in found if figure not in measured] == []


def test_both_languages_show_the_same_figures() -> None:
    english, chinese = (sorted(figures("\n".join(tables(text)))) for text in READMES.values())
    assert english == chinese


@pytest.mark.parametrize("path", ["README.zh.md", "src/patchword/demo/report.html"])
def test_chinese_has_one_word_for_a_token_and_for_the_class_token(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    sentences = [line for line in text.splitlines() if re.search(r"[\u4e00-\u9fff]", line)]
    chinese = "\n".join(re.findall(r"[^\x00-\x7f][^<\n]*", "\n".join(sentences)))
    assert "词元" in chinese
    assert "分类标记" in chinese
    assert "分类词元" not in chinese
    assert not re.search(r"\btokens?\b", chinese)


def test_pictures_have_a_light_and_a_dark_version() -> None:
    for text in READMES.values():
        names = re.findall(r'(?:src|srcset)="(docs/[^"]+)"', text)
        assert names == [f"docs/{name}{dark}.png" for name in ("explained", "server") for dark in ("-dark", "")]
        assert all((ROOT / name).stat().st_size < 200_000 for name in names)
