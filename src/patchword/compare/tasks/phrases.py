"""CLDR's phrases in two languages as token ids."""

from functools import lru_cache

from patchword.compare.tasks.pairs import Translation
from patchword.compare.tasks.words import spelled
from patchword.samples.phrases import phrase_pairs


@lru_cache(maxsize=4)
def phrases(
    seed: int, source: str = "en", target: str = "de", *, train: int = 4000, held_out: int = 300, words: int = 500
) -> Translation:
    """Phrases such as dates, lists and amounts; half of the held-out ones are for validation.

    Args:
        seed: of the choice.
        source: a CLDR locale.
        target: another one.
        train: pairs to learn from.
        held_out: pairs of which neither side occurs in training.
        words: how many of the commonest words have tokens of their own; others are spelled.
    """
    split = phrase_pairs(source, target, seed, train, held_out)
    learned, held = ([(pair.source, pair.target) for pair in part] for part in (split.train, split.held_out))
    half = len(held) // 2
    return spelled(learned, held[:half], held[half:], words)
