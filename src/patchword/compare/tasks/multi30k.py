"""Multi30k's captions of photographs in two languages as token ids, where its files are."""

import random
import re
from functools import lru_cache
from pathlib import Path

from patchword.compare.tasks.pairs import Translation
from patchword.compare.tasks.words import Texts, spelled
from patchword.text.pairs import read_pairs


@lru_cache(maxsize=2)
def multi30k(
    folder: Path, seed: int, source: str = "en", target: str = "de", *, train: int = 29_000, words: int = 6000
) -> Translation:
    """Captions of ten to fifteen words, with `val` for validation and `test_2016_flickr` for the test.

    Args:
        folder: with `train`, `val` and `test_2016_flickr`, a file a language, such as `train.en`.
        seed: of the choice of training pairs, and of their order.
        source: a language's ending.
        target: another one's.
        train: pairs to learn from; all of them if there are fewer.
        words: how many of the commonest words have tokens of their own; others are spelled.

    Raises:
        DataError: if a file is missing or damaged, or two are not aligned.
    """
    parts = [_texts(folder, name, source, target) for name in ("train", "val", "test_2016_flickr")]
    chosen = random.Random(seed).sample(parts[0], min(train, len(parts[0])))
    return spelled(chosen, parts[1], parts[2], words)


def _texts(folder: Path, name: str, source: str, target: str) -> Texts:
    pairs = read_pairs([folder / f"{name}.{source}", folder / f"{name}.{target}"])
    return [(_apart(pair.source), _apart(pair.target)) for pair in pairs]


def _apart(text: str) -> str:
    """With spaces around punctuation, so that a word before a comma is the word."""
    return " ".join(re.findall(r"\w+|[^\w\s]", text))
