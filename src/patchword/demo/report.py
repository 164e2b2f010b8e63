"""demo/report.html: what was trained, how well, and what it looks at; one file, no network."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from patchword.explain.page import bundled, embedded, policy, style
from patchword.files import write_text

# Thai, Lao, Burmese, Khmer, Chinese and Japanese: written without spaces, so that a character stands for a word.
UNSPACED = r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\uabff\uf900-\ufaff\U00020000-\U0003ffff]"


@dataclass(frozen=True)
class Score:
    """A number as it is to be shown, and its name in English and Chinese."""

    value: str
    name: str
    name_zh: str = ""


@dataclass(frozen=True)
class TranslationRow:
    """A held-out phrase, its translation, its reference."""

    source: str
    translation: str
    reference: str

    @property
    def right(self) -> bool:
        """Whether the translation is the reference."""
        return self.translation == self.reference


@dataclass(frozen=True)
class ImageRow:
    """A held-out image and what the model saw in it.

    Attributes:
        picture: as a data URI.
        label: its class.
        predictions: (class, probability), likeliest first.
        document: what explains it; see `patchword.explain.explanation`.
    """

    picture: str
    label: str
    predictions: tuple[tuple[str, float], ...]
    document: dict[str, Any]

    @property
    def right(self) -> bool:
        """Whether the likeliest class is its class."""
        return self.predictions[0][0] == self.label


@dataclass(frozen=True)
class Confusion:
    """Which classes were taken for which: a row a true class, a column a predicted one."""

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class SystemReport:
    """One system's part: a sentence on its data, its scores, and its learning curves as SVG."""

    data: str
    scores: tuple[Score, ...]
    curves: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """Everything on the page.

    Attributes:
        languages: names of source and target language.
        languages_zh: the same in Chinese.
        codes: the languages' BCP 47 tags, by which a browser chooses fonts and voices.
        translator: scores and curves.
        translations: every held-out row; the first few right ones and the first few wrong ones are shown.
        sentences: documents that explain some of the rows shown.
        classifier: scores and curves.
        confusion: of all held-out images.
        images: rows to show, right and wrong ones.
        commands: what to type next.
        minutes: how long it all took.
    """

    languages: tuple[str, str]
    languages_zh: tuple[str, str]
    codes: tuple[str, str]
    translator: SystemReport
    translations: Sequence[TranslationRow]
    sentences: Sequence[dict[str, Any]]
    classifier: SystemReport
    confusion: Confusion
    images: Sequence[ImageRow]
    commands: Sequence[str]
    minutes: float


def write_report(path: Path, report: Report) -> None:
    """Write the page, atomically."""
    right, wrong = beside(report.translations)
    seen = [row for row in report.images if row.right], [row for row in report.images if not row.right]
    script = bundled(_read("report.js"))
    text = Template(_read("report.html")).substitute(
        policy=policy(script),
        sheet=style(),
        script=script,
        documents=embedded(
            {"sentences": report.sentences, "images": [row.document for group in seen for row in group]}
        ),
        languages=escape(" to ".join(report.languages)),
        languages_zh=escape("到".join(report.languages_zh)),
        minutes=f"{report.minutes:.1f}",
        translator=_system(report.translator),
        translations=_translations(right, report, "right", "正确")
        + _translations(wrong, report, "not the reference", "与参考译文不同"),
        classifier=_system(report.classifier),
        confusion=_confusion(report.confusion),
        images=_images(seen[0], "Right", "正确") + _images(seen[1], "Wrong", "错误"),
        commands="\n".join(f"<code>{escape(command)}</code>" for command in report.commands),
    )
    write_text(path, text)


@cache
def _read(name: str) -> str:
    return files("patchword.demo").joinpath(name).read_text(encoding="utf-8")


def beside(
    rows: Sequence[TranslationRow], count: int = 10
) -> tuple[Sequence[TranslationRow], Sequence[TranslationRow]]:
    """The first right rows and the first wrong ones: half of `count` each, more of one kind if the other has fewer."""
    right, wrong = [row for row in rows if row.right], [row for row in rows if not row.right]
    half = count // 2
    return right[: max(half, count - len(wrong))], wrong[: max(half, count - len(right))]


def _system(system: SystemReport) -> str:
    scores = "".join(
        f'<div class="score"><b>{escape(score.value)}</b><span>{escape(score.name)} {_zh(score.name_zh)}</span></div>'
        for score in system.scores
    )
    curves = "".join(f"<figure>{svg}</figure>" for svg in system.curves)
    return f'<p>{escape(system.data)}</p><div class="row">{scores}</div><div class="row curves">{curves}</div>'


def _zh(text: str) -> str:
    return f'<span class="zh" lang="zh">{escape(text)}</span>' if text else ""


def _translations(rows: Sequence[TranslationRow], report: Report, name: str, name_zh: str) -> str:
    """A group of the table's rows under a heading that says how many there are of all."""
    if not rows:
        return ""
    kind = [row for row in report.translations if row.right == rows[0].right]
    head = (
        '<tr class="group" role="row"><th colspan="4" scope="rowgroup" role="rowheader">'
        f"{len(rows)} of {len(kind):,} that are {escape(name)} {_zh(name_zh)}</th></tr>"
    )
    body = "".join(_translation(row, report.codes) for row in rows)
    return f'<tbody role="rowgroup">{head}{body}</tbody>'


def _translation(row: TranslationRow, codes: tuple[str, str]) -> str:
    kind, mark = ("right", "✓") if row.right else ("wrong", "✗")
    found, wanted = _differences(row.translation, row.reference)
    cells = "".join(
        f'<td role="cell" data-name="{column.name}" lang="{escape(code)}" dir="auto">{text}</td>'
        for column, code, text in zip(
            fields(row), (codes[0], codes[1], codes[1]), (escape(row.source), found, wanted), strict=True
        )
    )
    sign = f'<td role="cell" class="mark {kind}"><span role="img" aria-label="{kind}">{mark}</span></td>'
    return f'<tr role="row">{sign}{cells}</tr>'


def _differences(found: str, wanted: str) -> tuple[str, str]:
    """Both as HTML, with what only one of them has marked: words, or single characters of scripts without spaces."""
    parts = [re.findall(rf"{UNSPACED}|(?:(?!{UNSPACED})\w)+|\W", text) for text in (found, wanted)]
    texts = ["", ""]
    for kind, *spans in difflib.SequenceMatcher(None, parts[0], parts[1], autojunk=False).get_opcodes():
        for side, (start, end) in enumerate((spans[:2], spans[2:])):
            text = escape("".join(parts[side][start:end]))
            texts[side] += f"<mark>{text}</mark>" if text and kind != "equal" else text
    return texts[0], texts[1]


def _confusion(confusion: Confusion) -> str:
    """The matrix as a table; a cell's colour is its share of its row, green where the class is right."""
    columns = "".join(f'<th scope="col">{escape(name)}</th>' for name in confusion.classes)
    rows = []
    for row, (name, counts) in enumerate(zip(confusion.classes, confusion.counts, strict=True)):
        cells = "".join(
            f'<td class="{"hit" if row == column else "miss"}" style="--share:{count / max(1, sum(counts)):.3f}">'
            f"{count or ''}</td>"
            for column, count in enumerate(counts)
        )
        rows.append(f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>')
    return f"<thead><tr><td></td>{columns}</tr></thead><tbody>{''.join(rows)}</tbody>"


def _images(rows: Sequence[ImageRow], name: str, name_zh: str) -> str:
    if not rows:
        return ""
    return f'<h4>{name} {_zh(name_zh)}</h4><div class="images">{"".join(_image(row) for row in rows)}</div>'


def _image(row: ImageRow) -> str:
    guess, kind = row.predictions[0][0], "right" if row.right else "wrong"
    mark = "✓" if row.right else f"✗ is {row.label}"
    bars = "".join(_bar(name, p) for name, p in row.predictions[:3])
    return (
        f'<figure><button type="button" class="digit" data-in="digit" disabled>'
        f'<img src="{row.picture}" alt="a {escape(row.label)}"></button>'
        f'<figcaption><b class="{kind}">{escape(guess)} {escape(mark)}</b>{bars}</figcaption></figure>'
    )


def _bar(name: str, probability: float) -> str:
    return (
        f'<span class="chance"><span>{escape(name)}</span><i><i style="width:{100 * probability:.1f}%"></i></i>'
        f"<span>{100 * probability:.1f} %</span></span>"
    )
