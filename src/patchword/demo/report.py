"""demo/report.html: what was trained, how well, and what it looks at; one file, no network."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from patchword.files import write_text


@dataclass(frozen=True)
class TranslationRow:
    """A held-out phrase, its translation, its reference."""

    source: str
    translation: str
    reference: str


@dataclass(frozen=True)
class ImageRow:
    """A held-out image: pictures as data URIs, its class, and the predictions with their probabilities."""

    picture: str
    overlay: str
    label: str
    predictions: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class SystemReport:
    """One system's part: a sentence on its data, scores by name as they are to be shown, and curves as SVG."""

    data: str
    scores: tuple[tuple[str, str], ...]
    curves: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """Everything on the page.

    Attributes:
        languages: names of source and target language.
        translator: scores and curves.
        translations: rows to show.
        alignments: (phrase, SVG) pairs.
        classifier: scores and curves.
        images: rows to show.
        commands: what to type next.
        minutes: how long it all took.
    """

    languages: tuple[str, str]
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
        source_language=escape(report.languages[0]),
        target_language=escape(report.languages[1]),
        minutes=f"{report.minutes:.1f}",
        translator=_system(report.translator),
        translations="".join(_translation(row) for row in report.translations),
        alignments="".join(
            f'<figure class="wide">{svg}<figcaption>{escape(phrase)}</figcaption></figure>'
            for phrase, svg in report.alignments
        ),
        classifier=_system(report.classifier),
        images="".join(_image(row) for row in report.images),
        commands=escape("\n".join(report.commands)),
    )
    write_text(path, text)


def _system(system: SystemReport) -> str:
    scores = "".join(
        f'<div class="score"><b>{escape(value)}</b><span>{escape(name)}</span></div>' for name, value in system.scores
    )
    curves = "".join(f"<figure>{svg}</figure>" for svg in system.curves)
    return f'<p>{escape(system.data)}</p><div class="row">{scores}</div><div class="row">{curves}</div>'


def _translation(row: TranslationRow) -> str:
    right = row.translation == row.reference
    mark = '<td class="right">✓</td>' if right else '<td class="wrong">✗</td>'
    cells = "".join(f"<td>{escape(text)}</td>" for text in (row.source, row.translation, row.reference))
    return f"<tr>{cells}{mark}</tr>"


def _image(row: ImageRow) -> str:
    guess, probability = row.predictions[0]
    kind = "right" if guess == row.label else "wrong"
    second = "".join(f"<br><small>{escape(name)} {100 * p:.1f} %</small>" for name, p in row.predictions[1:2])
    return (
        f'<figure class="pair"><img src="{row.picture}" alt="{escape(row.label)}">'
        f'<img src="{row.overlay}" alt="what the class token looked at">'
        f'<figcaption><b class="{kind}">{escape(guess)}</b> {100 * probability:.1f} %'
        f"{second}<br><small>is {escape(row.label)}</small></figcaption></figure>"
    )
