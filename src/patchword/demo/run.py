"""The whole demo: data, two trainings, scores on held-out data, the page."""

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from patchword import api
from patchword.demo.digits import write_digits
from patchword.demo.phrases import PhrasePair, find_locale, phrase_pairs
from patchword.demo.report import ImageRow, Report, SystemReport, TranslationRow, write_report
from patchword.explain.attention import class_token_map, word_alignment
from patchword.explain.drawing import alignment_svg, attention_overlay, curves_svg, image_data_uri
from patchword.files import write_text
from patchword.images.classifier import ImageClassifier
from patchword.images.dataset import LabelledImages, read_dataset
from patchword.images.evaluation import evaluate_classifier
from patchword.images.recipe import ClassificationRecipe
from patchword.images.scores import ClassificationScores
from patchword.text.evaluation import evaluate_translator
from patchword.text.pairs import read_pairs
from patchword.text.recipe import TranslationRecipe
from patchword.text.scores import TranslationScores
from patchword.text.translator import Translation, Translator
from patchword.training.metrics import read_metrics


def run_demo(out: Path, source: str, target: str, seed: int = 1) -> None:
    """Train both systems, score them on held-out data, write `out/report.html`, and say what to type next.

    Args:
        out: the demo's folder; earlier runs of the demo in it are replaced.
        source: CLDR locale to translate from.
        target: CLDR locale to translate to.
        seed: of data and training.

    Raises:
        RecipeError: if a locale is unknown.
    """
    started = time.perf_counter()
    console = Console(stderr=True, highlight=False)
    split = phrase_pairs(source, target, seed)
    names = find_locale(source).english_name or source, find_locale(target).english_name or target
    data = out / "data"
    for name in ("translator", "classifier"):
        if (out / name / "recipe.toml").is_file():
            shutil.rmtree(out / name)

    console.rule(f"The Transformer: {names[0]} to {names[1]}")
    _write_pairs(data / "phrases.train.tsv", split.train)
    _write_pairs(data / "phrases.held_out.tsv", split.held_out)
    recipe = translation_recipe(data / "phrases.train.tsv", source, target, seed)
    facts = {"command": f"patchword demo --from {source} --to {target}"}
    api.train(recipe, out / "translator", facts=facts, say=console.print)
    translator = Translator.load(out / "translator")
    pairs = read_pairs([data / "phrases.held_out.tsv"])
    translated, translations = evaluate_translator(translator, pairs)
    console.print(f"held-out phrases: {translated.exact:.1f} % exact, chrF {translated.chrf:.1f}")

    console.rule("The Vision Transformer: handwritten digits")
    train_folder, held_out_folder = write_digits(data / "digits", seed)
    api.train(classification_recipe(train_folder, seed), out / "classifier", facts=facts, say=console.print)
    classifier = ImageClassifier.load(out / "classifier")
    held_out = read_dataset(held_out_folder)
    classified = evaluate_classifier(classifier, held_out)
    console.print(f"held-out digits: {classified.top1:.1f} % right")

    examples = translations[:10]
    report = Report(
        languages=names,
        translator=_translator_report(translated, len(split.train), out / "translator"),
        translations=[TranslationRow(t.source, t.text, p.target) for t, p in zip(examples, pairs, strict=False)],
        alignments=_alignments(translator, translations),
        classifier=_classifier_report(classified, train_folder, out / "classifier"),
        images=_images(classifier, held_out),
        commands=_commands(out, examples[0].source, held_out.names[0]),
        minutes=(time.perf_counter() - started) / 60,
    )
    write_report(out / "report.html", report)
    console.rule()
    console.print(f"done in {report.minutes:.1f} minutes; open {out / 'report.html'}\n\nnext:")
    for command in report.commands:
        console.print(f"  {command}", soft_wrap=True)


def translation_recipe(train: Path, source: str, target: str, seed: int) -> TranslationRecipe:
    """A Transformer that learns the phrases in about two minutes on two cores."""
    return TranslationRecipe.parse(
        {
            "data": {
                "train": [str(train.resolve())],
                "hold_out": 300,
                "source_language": source,
                "target_language": target,
            },
            "vocabulary": {"size": 3000, "shrink": True},
            "model": {"size": "tiny", "encoder_layers": 2, "decoder_layers": 2, "dropout": 0.1, "norm_first": True},
            "batch_tokens": 1500,
            "optimizer": {"learning_rate": 3e-3},
            "schedule": {"name": "cosine", "warmup_steps": 200},
            "training": {
                "max_steps": 2500,
                "max_minutes": 2.2,
                "validate_every": 500,
                "ema_decay": 0.99,
                "label_smoothing": 0.1,
                "seed": seed,
            },
        },
        "demo",
    )


def classification_recipe(train: Path, seed: int) -> ClassificationRecipe:
    """A ViT for images of 8 x 8 pixels, in patches of 2."""
    return ClassificationRecipe.parse(
        {
            "data": {"train": [str(train.resolve())], "hold_out": 0.1},
            "preprocessing": {"image_size": [8, 8], "resize": "squash"},
            "augmentation": {"pad_crop": 1},
            "model": {"name": "Ti/2", "d_model": 96, "num_heads": 4, "num_layers": 4, "d_ff": 192},
            "batch_size": 64,
            "optimizer": {"learning_rate": 2e-3, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.05},
            "schedule": {"name": "cosine", "warmup_steps": 60},
            "training": {
                "max_steps": 900,
                "max_minutes": 0.8,
                "validate_every": 180,
                "ema_decay": 0.99,
                "label_smoothing": 0.1,
                "seed": seed,
            },
        },
        "demo",
    )


def _write_pairs(path: Path, pairs: Sequence[PhrasePair]) -> None:
    write_text(path, "".join(f"{pair.source}\t{pair.target}\n" for pair in pairs))


def _curves(run: Path, score: str | None) -> tuple[str, ...]:
    rows = read_metrics(run / "metrics.jsonl")
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


def _translator_report(scores: TranslationScores, pairs: int, run: Path) -> SystemReport:
    return SystemReport(
        f"{pairs:,} phrases from Unicode CLDR to train on; scored on {scores.sentences} phrases of which neither side "
        "occurs among them, with beam 4.",
        (("exact", f"{scores.exact:.1f} %"), ("chrF", f"{scores.chrf:.1f}"), ("BLEU", f"{scores.bleu:.1f}")),
        _curves(run, None),
    )


def _classifier_report(scores: ClassificationScores, train: Path, run: Path) -> SystemReport:
    return SystemReport(
        f"scikit-learn's digits, {len(read_dataset(train)):,} images to train on; scored on the held-out quarter, "
        f"{scores.images} images.",
        (("right", f"{scores.top1:.1f} %"), ("calibration error", f"{scores.calibration_error:.1f} %")),
        _curves(run, "accuracy"),
    )


def _alignments(translator: Translator, translations: Sequence[Translation]) -> list[tuple[str, str]]:
    """Pictures of the three longest phrases that are short enough to read."""
    texts = sorted({t.source for t in translations if len(t.source) <= 40}, key=lambda text: (-len(text), text))[:3]
    pictures = []
    for text in texts:
        seen = translator.attention(text)
        weights = word_alignment(seen.trace, layer=-1)
        pictures.append(
            (f"{text} → {seen.translation.text}", alignment_svg(weights, seen.source_pieces, seen.target_pieces))
        )
    return pictures


def _images(classifier: ImageClassifier, data: LabelledImages) -> list[ImageRow]:
    """One held-out image of every class."""
    rows = []
    for label, name in enumerate(data.classes):
        seen = classifier.attention(data.open(data.labels.index(label)))
        weights = class_token_map(seen.trace, seen.grid)[0]
        pictures = image_data_uri(seen.pixels), attention_overlay(seen.pixels, weights)
        rows.append(ImageRow(*pictures, name, seen.classification.predictions))
    return rows


def _commands(out: Path, phrase: str, image: str) -> list[str]:
    return [
        f'.venv/bin/patchword translate {out}/translator "{phrase}"',
        f".venv/bin/patchword classify {out}/classifier {image}",
        f".venv/bin/patchword evaluate {out}/translator --data {out}/data/phrases.held_out.tsv",
        f".venv/bin/patchword info {out}/classifier",
        ".venv/bin/patchword train translation --source YOUR.en --target YOUR.de --out runs/en-de",
        ".venv/bin/patchword train classification --data YOUR_PHOTOS/ --out runs/photos",
    ]
