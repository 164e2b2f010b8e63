"""The whole demo: data, two trainings, scores on held-out data, the page."""

import shlex
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from patchword import api, inside
from patchword.demo.aligned import aligned_phrases
from patchword.demo.digits import write_digits
from patchword.demo.links import AlignedPhrase
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
from patchword.errors import RunFolderError
from patchword.explain.drawing import curves_svg
from patchword.files import write_text
from patchword.samples.phrases import PhrasePair, find_locale, phrase_pairs

FEWEST_ALIGNED = 50  # phrases with known links, below which nothing is measured by them


def run_demo(out: Path, source: str, target: str, seed: int = 1) -> None:
    """Train both systems, score them on held-out data, write `out/report.html`, and say what to type next.

    Args:
        out: the demo's folder; earlier runs of the demo in it are replaced.
        source: CLDR locale to translate from.
        target: CLDR locale to translate to.
        seed: of data and training.

    Raises:
        RecipeError: if a locale is unknown, or the two have too little to say.
        RunFolderError: if `out` is a file.
        SystemExit: with 128 + n, if signal n stopped a training.
    """
    started = time.perf_counter()
    console = Console(stderr=True, highlight=False)
    if out.exists() and not out.is_dir():
        raise RunFolderError(out, "is a file; the output must be a folder")
    split = phrase_pairs(source, target, seed)
    data = out / "data"
    command = shlex.join(
        ["patchword", "demo", "--out", str(out), "--from", source, "--to", target, "--seed", str(seed)]
    )

    names = _language_names(source, target, "en")
    console.rule(f"The Transformer: {names[0]} to {names[1]}")
    _write_pairs(data / "phrases.train.tsv", split.train)
    _write_pairs(data / "phrases.held_out.tsv", split.held_out)
    recipe = translation_recipe(data / "phrases.train.tsv", source, target, seed)
    _train(recipe, out / "translator", command, console)
    translator: Any = api.load(out / "translator")
    console.print(f"translating {len(split.held_out)} held-out phrases")
    found = api.evaluation(translator, [data / "phrases.held_out.tsv"])
    translated = found.scores
    rows = [
        TranslationRow(pair.source, answer, pair.target)
        for pair, answer in zip(split.held_out, found.answers or (), strict=True)
    ]
    console.print(f"held-out phrases: {translated.exact:.1f} % exact, chrF {translated.chrf:.1f}")
    _measure_alignment(translator, data / "alignments.tsv", aligned_phrases(source, target, split, seed), console)

    console.rule("The Vision Transformer: handwritten digits")
    train_folder, held_out_folder = write_digits(data / "digits", seed)
    _train(classification_recipe(train_folder, seed), out / "classifier", command, console)
    classifier: Any = api.load(out / "classifier")
    classified = api.evaluate(classifier, [held_out_folder])
    console.print(f"held-out digits: {classified.top1:.1f} % right")

    digits = _digits(classifier, held_out_folder)
    report = Report(
        languages=names,
        languages_zh=_language_names(source, target, "zh"),
        codes=(source.replace("_", "-"), target.replace("_", "-")),
        translator=_translator_report(translated, len(split.train), out / "translator"),
        translations=rows,
        sentences=explained_phrases(translator, [row for group in beside(rows) for row in group]),
        classifier=_classifier_report(classified, train_folder, out / "classifier"),
        confusion=Confusion(tuple(row.name for row in classified.classes), classified.confusion),
        images=_images(classifier, digits),
        commands=_commands(out, rows[0].source, str(digits[0])),
        minutes=(time.perf_counter() - started) / 60,
    )
    write_report(out / "report.html", report)
    console.rule()
    console.print(f"done in {report.minutes:.1f} minutes; open {out / 'report.html'}\n\nnext:", soft_wrap=True)
    for line in report.commands:
        console.print(f"  {line}", soft_wrap=True, markup=False)


def translation_recipe(train: Path, source: str, target: str, seed: int) -> api.Recipe:
    """A Transformer that learns the phrases in about two minutes on two cores."""
    return api.read_recipe(
        {
            "task": "translation",
            "data": {
                "train": [str(train.resolve())],
                "hold_out": 300,
                "source_language": source,
                "target_language": target,
            },
            "vocabulary": {"size": 3000, "shrink": True, "split_digits": True},
            "model": {"size": "tiny", "encoder_layers": 2, "decoder_layers": 2, "dropout": 0.1, "norm_first": True},
            "batch_tokens": 1500,
            "optimizer": {"learning_rate": 3e-3},
            "schedule": {"name": "cosine", "warmup_steps": 200},
            "training": {
                "max_steps": 1500,
                "validate_every": 500,
                "ema_decay": 0.99,
                "label_smoothing": 0.1,
                "seed": seed,
            },
        },
        "demo",
    )


def classification_recipe(train: Path, seed: int) -> api.Recipe:
    """A ViT for images of 8 x 8 pixels, in patches of 2."""
    return api.read_recipe(
        {
            "task": "classification",
            "data": {"train": [str(train.resolve())], "hold_out": 0.1},
            "preprocessing": {"image_size": [8, 8], "resize": "squash"},
            "augmentation": {"mixup": 0.2},
            "model": {"name": "Ti/2", "d_model": 96, "num_heads": 4, "num_layers": 4, "d_ff": 192},
            "batch_size": 64,
            "optimizer": {"learning_rate": 2e-3, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.3},
            "schedule": {"name": "cosine", "warmup_steps": 60},
            "training": {
                "max_steps": 1200,
                "validate_every": 240,
                "ema_decay": 0.99,
                "label_smoothing": 0.0,
                "seed": seed,
            },
        },
        "demo",
    )


def _language_names(source: str, target: str, locale: str) -> tuple[str, str]:
    return (
        find_locale(source).get_display_name(locale) or source,
        find_locale(target).get_display_name(locale) or target,
    )


def _train(recipe: api.Recipe, run: Path, command: str, console: Console) -> None:
    """Train in a run folder, in place of an earlier demo's run there."""
    if (run / "recipe.toml").is_file():
        shutil.rmtree(run)
    outcome = api.train(recipe, run, facts={"command": command})
    if outcome.signal is not None:
        console.print(f"stopped at step {outcome.step}; the same command starts the demo again")
        raise SystemExit(128 + outcome.signal)


def _measure_alignment(translator: Any, path: Path, phrases: Sequence[AlignedPhrase], console: Console) -> None:
    """Write phrases with known word links, and find out by which reading the translator's attention shows them."""
    write_text(path, "".join(phrase.row() for phrase in phrases))
    if len(phrases) >= FEWEST_ALIGNED:
        table, _ = inside.measure_explanations(translator, [path])
        for note in table.notes:
            console.print(note.removeprefix("* "), soft_wrap=True)


def _write_pairs(path: Path, pairs: Sequence[PhrasePair]) -> None:
    write_text(path, "".join(f"{pair.source}\t{pair.target}\n" for pair in pairs))


def _curves(run: Path, score: str | None) -> tuple[str, ...]:
    rows = api.read_metrics(run / "metrics.jsonl")
    validation = [(row["step"], row["validation"]) for row in rows if "validation" in row]
    loss = {
        "training": [(row["step"], row["loss"]) for row in rows if "loss" in row],
        "validation": [(step, scores["loss"]) for step, scores in validation],
    }
    curves = [curves_svg(loss, "loss (nats)")]
    if score is not None:
        curves.append(
            curves_svg({"validation": [(step, scores[score]) for step, scores in validation]}, f"{score} (%)")
        )
    return tuple(curves)


def _translator_report(scores: Any, pairs: int, run: Path) -> SystemReport:
    return SystemReport(
        f"{pairs:,} phrases from Unicode CLDR to train on; scored on {scores.sentences} phrases of which neither side "
        "occurs among them, with beam 4.",
        (
            Score(f"{scores.exact:.1f} %", "exact match", "完全匹配"),
            Score(f"{scores.chrf:.1f}", "chrF"),
            Score(f"{scores.bleu:.1f}", "BLEU"),
        ),
        _curves(run, None),
    )


def _classifier_report(scores: Any, train: Path, run: Path) -> SystemReport:
    count = sum(1 for _ in train.rglob("*.png"))
    return SystemReport(
        f"scikit-learn's digits, {count:,} images to train on; scored on the held-out quarter, {scores.images} images.",
        (
            Score(f"{scores.top1:.1f} %", "accuracy", "准确率"),
            Score(f"{scores.calibration_error:.1f} %", "calibration error", "校准误差"),
        ),
        _curves(run, "accuracy"),
    )


def explained_phrases(translator: Any, rows: Sequence[TranslationRow]) -> list[dict[str, Any]]:
    """A document a row, the longest right one first, which alone has the walk: most of the size."""
    ordered = sorted(rows, key=lambda row: (not row.right, -len(row.source)))
    return [
        inside.explained(translator, row.source, name="translator", walk=number == 0)
        for number, row in enumerate(ordered)
    ]


def _digits(classifier: Any, held_out: Path) -> list[Path]:
    """Held-out images to show: the first right one of every class, then the first ten wrong ones."""
    paths = [path for name in classifier.classes for path in sorted((held_out / name).iterdir())]
    right: dict[str, Path] = {}
    wrong = []
    for path, answer in zip(paths, classifier.classify(paths, top=1), strict=True):
        if answer.predictions[0][0] == path.parent.name:
            right.setdefault(path.parent.name, path)
        else:
            wrong.append(path)
    return [*right.values(), *wrong[:10]]


def _images(classifier: Any, digits: Sequence[Path]) -> list[ImageRow]:
    """A row an image; the first, which the report shows first, has the walk."""
    rows = []
    for number, path in enumerate(digits):
        document = inside.explained(classifier, path, name="classifier", walk=number == 0)
        found = [(one["class"], one["probability"]) for one in document["image"]["predictions"]]
        rows.append(ImageRow(document["image"]["picture"], path.parent.name, tuple(found), document))
    return rows


def _commands(out: Path, phrase: str, image: str) -> list[str]:
    program = "patchword" if shutil.which("patchword") else ".venv/bin/patchword"
    folder = shlex.quote(str(out))
    return [
        f"{program} translate {folder}/translator {shlex.quote(phrase)}",
        f"{program} classify {folder}/classifier {shlex.quote(image)}",
        f"{program} explain {folder}/translator {shlex.quote(phrase)} --out why.html",
        f"{program} explain {folder}/translator --measure --data {folder}/data/alignments.tsv",
        f"{program} evaluate {folder}/translator --data {folder}/data/phrases.held_out.tsv",
        f"{program} info {folder}/classifier",
        f"{program} train translation --source YOUR.en --target YOUR.de --out runs/en-de",
        f"{program} train classification --data YOUR_PHOTOS/ --out runs/photos",
    ]
