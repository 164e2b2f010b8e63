"""Sizes for a translator when nobody wrote a recipe."""

from collections.abc import Sequence
from typing import Any

from patchword.text.pairs import Pair

# From this many pairs on: model size, vocabulary size, dropout, epochs, batch tokens, warm-up steps, learning rate.
_CHOICES: list[tuple[int, str, int, float, int, int, int, float]] = [
    (0, "tiny", 2000, 0.3, 60, 1024, 200, 3e-3),
    (5_000, "small", 4000, 0.3, 40, 1500, 400, 1.5e-3),
    (20_000, "small", 8000, 0.2, 25, 1500, 400, 1.5e-3),
    (200_000, "base", 16000, 0.1, 15, 4096, 4000, 7e-4),
    (2_000_000, "base", 32000, 0.1, 8, 8192, 4000, 7e-4),
]


def choose_recipe(pairs: Sequence[Pair]) -> tuple[dict[str, Any], list[str]]:
    """Recipe values for some parallel text, and sentences that say what was picked and why.

    Args:
        pairs: the training text.

    Returns:
        everything of a `TranslationRecipe` but its data; and the sentences.
    """
    choice = [row for row in _CHOICES if len(pairs) >= row[0]][-1]
    _, size, vocabulary, dropout, epochs, batch_tokens, warmup, rate = choice
    notes = [
        f"picked model.size = {size}, dropout {dropout} for {len(pairs):,} pairs",
        f"picked vocabulary.size = {vocabulary} (fewer if the text cannot fill it), shared by both languages",
        f"picked at most {epochs} epochs, stopping after 5 validations without a better loss",
    ]
    values = {
        "task": "translation",
        "batch_tokens": batch_tokens,
        "vocabulary": {"size": vocabulary, "shrink": True, "split_digits": True},
        "model": {"size": size, "dropout": dropout, "norm_first": True},
        "optimizer": {"learning_rate": rate},
        "schedule": {"name": "inverse_sqrt", "warmup_steps": warmup},
        "training": {"max_epochs": epochs, "patience": 5, "ema_decay": 0.999},
    }
    return values, notes


def choose_fine_tuning(pairs: Sequence[Pair], d_model: int) -> tuple[dict[str, Any], list[str]]:
    """Recipe values for training that starts from an init model, and sentences that say what was picked and why.

    Args:
        pairs: the training text.
        d_model: width of the init model; a wider one bears a smaller rate.

    Returns:
        what a `TranslationRecipe` needs beside its data and `init`; and the sentences.
    """
    rate = 3e-4 if d_model <= 256 else 1e-4
    decay = 0.9
    epochs = 10 if len(pairs) < 20_000 else 5
    batch_tokens = 1024 if len(pairs) < 5_000 else 1500
    notes = [
        f"picked a learning rate of {rate:g} for the output, {decay} times that of the layer above for each layer, "
        "after a warm-up of 100 steps",
        f"picked at most {epochs} epochs for {len(pairs):,} pairs, stopping after 3 validations without a better loss",
    ]
    values = {
        "task": "translation",
        "batch_tokens": batch_tokens,
        "optimizer": {"learning_rate": rate, "layer_decay": decay, "clip_norm": 1.0},
        "schedule": {"name": "inverse_sqrt", "warmup_steps": 100},
        "training": {"max_epochs": epochs, "patience": 3, "ema_decay": 0.99},
    }
    return values, notes
