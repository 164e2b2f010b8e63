"""Models that learn what they know in seconds, so that a page has something to show: words, and digits."""

import random
from pathlib import Path
from typing import Any

from patchword import api
from patchword.demo.digits import write_digits

ENGLISH = "the a one two three red green blue old small big dog cat house tree man woman sees has likes and"
GERMAN = "das ein eins zwei drei rot grün blau alt klein groß Hund Katze Haus Baum Mann Frau sieht hat mag und"
WORDS = dict(zip(ENGLISH.split(), GERMAN.split(), strict=True))


def write_pairs(path: Path, count: int = 3000) -> Path:
    """Sentences of these words, translated word by word."""
    chosen = random.Random(1)
    lines = []
    for _ in range(count):
        words = chosen.choices(list(WORDS), k=chosen.randint(2, 7))
        lines.append(f"{' '.join(words)}.\t{' '.join(WORDS[word] for word in words)}.\n")
    path.write_text("".join(lines), encoding="utf-8")
    return path


def train_words(folder: Path, data: Path, model: dict[str, Any], steps: int, rate: float) -> None:
    """A translator from English to German, of these words alone."""
    train(
        folder,
        {
            "task": "translation",
            "data": {"train": [str(data)], "hold_out": 20, "source_language": "en", "target_language": "de"},
            "vocabulary": {"size": 400, "shrink": True},
            "model": {"encoder_layers": 1, "decoder_layers": 1, "dropout": 0.0, **model},
            "batch_tokens": 600,
        },
        steps,
        rate,
    )


def train_digits(folder: Path, data: Path) -> None:
    """A classifier of scikit-learn's digits."""
    images, _ = write_digits(data)
    train(
        folder,
        {
            "task": "classification",
            "data": {"train": [str(images)], "hold_out": 0.05},
            "preprocessing": {"image_size": [8, 8], "resize": "squash"},
            "model": {"name": "Ti/2", "d_model": 48, "num_heads": 4, "num_layers": 2, "d_ff": 96},
            "batch_size": 64,
        },
        150,
        3e-3,
    )


def train(folder: Path, recipe: dict[str, Any], steps: int, rate: float) -> None:
    more = {
        "optimizer": {"learning_rate": rate},
        "schedule": {"name": "cosine", "warmup_steps": 20},
        "training": {"max_steps": steps, "validate_every": steps, "seed": 1},
    }
    api.train(api.read_recipe({**recipe, **more}, "test"), folder)


def served_models(folder: Path) -> list[str]:
    """Run folders of "words" and "rnn", which translate, and "digits", which classifies."""
    data = write_pairs(folder / "pairs.tsv")
    attention = {"d_model": 64, "num_heads": 4, "d_ff": 128, "norm_first": True}
    train_words(folder / "words", data, attention, 350, 4e-3)
    recurrent = {"architecture": "recurrent", "embedding_size": 48, "hidden_size": 48}
    train_words(folder / "rnn", data, recurrent, 200, 1e-2)
    train_digits(folder / "digits", folder / "data")
    return [str(folder / name) for name in ("words", "rnn", "digits")]
