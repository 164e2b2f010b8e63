"""CLDR's phrases in two languages as token ids, cut into characters and the commonest words."""

from collections import Counter
from functools import lru_cache

from patchword.compare.tasks.pairs import FIRST, Pairs, Translation
from patchword.samples.phrases import PhrasePair, phrase_pairs

UNKNOWN = FIRST


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
    counts = Counter(word for pair in split.train for text in (pair.source, pair.target) for word in _words(text))
    common = [word for word, _ in counts.most_common(words)]
    letters = sorted({letter for word in counts for letter in word} - set(common))
    ids = {token: UNKNOWN + 1 + place for place, token in enumerate([*common, *letters])}

    def tokens(text: str) -> list[int]:
        found: list[int] = []
        for word in _words(text):
            found += [ids[word]] if word in ids else [ids.get(letter, UNKNOWN) for letter in word]
        return found

    def pairs(chosen: tuple[PhrasePair, ...]) -> Pairs:
        return Pairs.of([(tokens(pair.source), tokens(pair.target)) for pair in chosen])

    half = len(split.held_out) // 2
    parts = split.train, split.held_out[:half], split.held_out[half:]
    return Translation(pairs(parts[0]), pairs(parts[1]), pairs(parts[2]), UNKNOWN + 1 + len(ids))


def _words(text: str) -> list[str]:
    """Words with the space before them."""
    return [f" {word}" for word in text.split()]
