"""Sizes for a translator when nobody wrote a recipe."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from patchword.models.registry import architecture_for
from patchword.text.pairs import Pair


@dataclass(frozen=True)
class Preset:
    """What suits a number of pairs and more.

    Attributes:
        pairs: from this many on.
        size: of the model.
        vocabulary: most tokens of it.
        dropout: of the model.
        epochs: at most.
        batch_tokens: see `TranslationRecipe`.
        warmup: steps.
        rate: the largest learning rate.
        optimizer: what else is said of the optimizer.
        model: what else is said of the model.
    """

    pairs: int
    size: str
    vocabulary: int
    dropout: float
    epochs: int
    batch_tokens: int
    warmup: int
    rate: float
    optimizer: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)


# By architecture, for ever more pairs.
PRESETS: dict[str, list[Preset]] = {
    "transformer": [
        Preset(0, "tiny", 2000, 0.3, 60, 1024, 200, 3e-3, model={"norm_first": True}),
        Preset(5_000, "small", 4000, 0.3, 40, 1500, 400, 1.5e-3, model={"norm_first": True}),
        Preset(20_000, "small", 8000, 0.2, 25, 1500, 400, 1.5e-3, model={"norm_first": True}),
        Preset(200_000, "base", 16000, 0.1, 15, 4096, 4000, 7e-4, model={"norm_first": True}),
        Preset(2_000_000, "base", 32000, 0.1, 8, 8192, 4000, 7e-4, model={"norm_first": True}),
    ],
    # Without input feeding whole sequences go through fused kernels, a quarter faster for a gain that is small.
    "recurrent": [
        Preset(0, "tiny", 2000, 0.3, 60, 1024, 200, 5e-3, {"clip_norm": 1.0}, {"input_feeding": False}),
        Preset(5_000, "small", 4000, 0.3, 40, 1500, 400, 5e-3, {"clip_norm": 1.0}, {"input_feeding": False}),
        Preset(20_000, "small", 8000, 0.2, 20, 1500, 400, 5e-3, {"clip_norm": 1.0}, {"input_feeding": False}),
        Preset(200_000, "base", 16000, 0.2, 12, 4096, 2000, 1e-3, {"clip_norm": 1.0}),
    ],
}


def number_of_characters(pairs: Sequence[Pair]) -> int:
    """How many different characters the text has."""
    found: set[str] = set()
    for pair in pairs:
        found.update(pair.source, pair.target)
    return len(found)


def vocabulary_size(usual: int, characters: int) -> int:
    """The usual size, or a larger one for a text of many different characters, each of which needs a token.

    Beside them and the bytes there is room for half of the usual number of tokens, so that words can be learned.
    """
    needed = characters + 260 + usual // 2
    return max(usual, -(-needed // 100) * 100)


def choose_recipe(pairs: Sequence[Pair], architecture: str | None = None) -> tuple[dict[str, Any], list[str]]:
    """Recipe values for some parallel text, and sentences that say what was picked and why.

    Args:
        pairs: the training text.
        architecture: which; the Transformer if nothing is said.

    Returns:
        everything of a `TranslationRecipe` but its data; and the sentences.

    Raises:
        RecipeError: if there is no such architecture for translation.
    """
    name = architecture_for("translation", architecture)
    chosen = [preset for preset in PRESETS[name] if len(pairs) >= preset.pairs][-1]
    kind = "" if architecture is None else {"transformer": "a Transformer with ", "recurrent": "an RNN with "}[name]
    characters = number_of_characters(pairs)
    size = vocabulary_size(chosen.vocabulary, characters)
    why = "" if size == chosen.vocabulary else f" for the text's {characters:,} characters"
    notes = [
        f"picked {kind}model.size = {chosen.size}, dropout {chosen.dropout} for {len(pairs):,} pairs",
        f"picked vocabulary.size = {size}{why} (fewer if the text cannot fill it), shared by both languages",
        f"picked at most {chosen.epochs} epochs, stopping after 5 validations without a better loss",
    ]
    values = {
        "task": "translation",
        "batch_tokens": chosen.batch_tokens,
        "vocabulary": {"size": size, "shrink": True, "split_digits": True},
        "model": {"architecture": name, "size": chosen.size, "dropout": chosen.dropout, **chosen.model},
        "optimizer": {"learning_rate": chosen.rate, **chosen.optimizer},
        "schedule": {"name": "inverse_sqrt", "warmup_steps": chosen.warmup},
        "training": {"max_epochs": chosen.epochs, "patience": 5, "ema_decay": 0.999},
    }
    return values, notes


def choose_fine_tuning(pairs: Sequence[Pair], width: int) -> tuple[dict[str, Any], list[str]]:
    """Recipe values for training that starts from an init model, and sentences that say what was picked and why.

    Args:
        pairs: the training text.
        width: of the init model; a wider one bears a smaller rate.

    Returns:
        what a `TranslationRecipe` needs beside its data and `init`; and the sentences.
    """
    rate = 3e-4 if width <= 256 else 1e-4
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
