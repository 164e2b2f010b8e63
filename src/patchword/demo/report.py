"""demo/report.html: what was trained, how well, and what it looks at; one file, no network."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from patchword.files import write_text


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


@dataclass(frozen=True)
class ImageRow:
    """A held-out image and what the model saw in it.

    Attributes:
        picture: as a data URI.
        overlay: where the class token looked, as a data URI.
        heads: the same of each head of the last layer.
        label: its class.
        predictions: (class, probability), likeliest first.
    """

    picture: str
    overlay: str
    heads: tuple[str, ...]
    label: str
    predictions: tuple[tuple[str, float], ...]


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
        translator: scores and curves.
        translations: rows to show.
        alignments: (phrase, SVG) pairs.
        classifier: scores and curves.
        images: rows to show.
        commands: what to type next.
        minutes: how long it all took.
    """

    languages: tuple[str, str]
    languages_zh: tuple[str, str]
    translator: SystemReport
    translations: Sequence[TranslationRow]
    alignments: Sequence[tuple[str, str]]
    classifier: SystemReport
    images: Sequence[ImageRow]
    commands: Sequence[str]
    minutes: float


def write_report(path: Path, report: Report) -> None:
    """Write the page, atomically."""
    page = Template(files("patchword.demo").joinpath("report.html").read_text(encoding="utf-8"))
    text = page.substitute(
        languages=escape(" to ".join(report.languages)),
        languages_zh=escape("到".join(report.languages_zh)),
        minutes=f"{report.minutes:.1f}",
        translator=_system(report.translator),
        translations="".join(_translation(row) for row in report.translations),
        alignments="".join(
            f'<figure>{svg}<figcaption lang="">{escape(phrase)}</figcaption></figure>'
            for phrase, svg in report.alignments
        ),
        classifier=_system(report.classifier),
        images="".join(_image(row) for row in report.images),
        heads="".join(_heads(row) for row in report.images[:3]),
        commands=escape("\n".join(report.commands)),
    )
    write_text(path, text)


def _system(system: SystemReport) -> str:
    scores = "".join(
        f'<div class="score"><b>{escape(score.value)}</b><span>{escape(score.name)} {_zh(score.name_zh)}</span></div>'
        for score in system.scores
    )
    curves = "".join(f"<figure>{svg}</figure>" for svg in system.curves)
    return f'<p>{escape(system.data)}</p><div class="row">{scores}</div><div class="row curves">{curves}</div>'


def _zh(text: str) -> str:
    return f'<span class="zh" lang="zh">{escape(text)}</span>' if text else ""


def _translation(row: TranslationRow) -> str:
    right = row.translation == row.reference
    mark = f'<td class="{"right" if right else "wrong"}">{"✓" if right else "✗"}</td>'
    cells = "".join(f'<td lang="">{escape(text)}</td>' for text in (row.source, row.translation, row.reference))
    return f"<tr>{cells}{mark}</tr>"


def _image(row: ImageRow) -> str:
    guess, probability = row.predictions[0]
    mark = "✓" if guess == row.label else f"✗ is {row.label}"
    kind = "right" if guess == row.label else "wrong"
    bars = "".join(_bar(name, p) for name, p in row.predictions[:3])
    return (
        f'<figure><img src="{row.picture}" alt="a {escape(row.label)}">'
        f'<img src="{row.overlay}" alt="where the class token looked">'
        f'<figcaption><b class="{kind}" title="{100 * probability:.1f} %">{escape(guess)} {escape(mark)}</b>{bars}'
        "</figcaption></figure>"
    )


def _bar(name: str, probability: float) -> str:
    return (
        f'<span class="bar"><span>{escape(name)}</span><i style="width:{3.6 * probability:.2f}rem"></i>'
        f"<span>{100 * probability:.1f} %</span></span>"
    )


def _heads(row: ImageRow) -> str:
    pictures = "".join(
        f'<img src="{picture}" alt="head {number}" title="head {number}">'
        for number, picture in enumerate(row.heads, start=1)
    )
    return f'<figure><img src="{row.picture}" alt="a {escape(row.label)}">{pictures}</figure>'
