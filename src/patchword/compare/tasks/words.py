"""Pairs of texts as token ids: the commonest words have tokens of their own, others are spelled."""

from collections import Counter
from collections.abc import Iterable, Sequence

from patchword.compare.tasks.pairs import FIRST, Pairs, Translation

UNKNOWN = FIRST  # a letter that training does not have

Texts = Sequence[tuple[str, str]]


def spelled(train: Texts, validation: Texts, test: Texts, words: int) -> Translation:
    """A task of translation over one vocabulary of both languages.

    Args:
        train: sources and their targets, words apart by spaces.
        validation: further ones.
        test: further ones.
        words: how many of the commonest words of the training pairs have tokens of their own.
    """
    vocabulary = Words((text for pair in train for text in pair), words)
    parts = [Pairs.of([(vocabulary.ids(s), vocabulary.ids(t)) for s, t in part]) for part in (train, validation, test)]
    return Translation(parts[0], parts[1], parts[2], vocabulary.size)


class Words:
    """A vocabulary.

    Args:
        texts: to take words and letters from.
        words: how many of the commonest words have tokens of their own.

    Attributes:
        size: token ids that there are.
    """

    def __init__(self, texts: Iterable[str], words: int) -> None:
        counts = Counter(word for text in texts for word in _words(text))
        common = [word for word, _ in counts.most_common(words)]
        letters = sorted({letter for word in counts for letter in word} - set(common))
        self._ids = {token: UNKNOWN + 1 + place for place, token in enumerate([*common, *letters])}
        self.size = UNKNOWN + 1 + len(self._ids)

    def ids(self, text: str) -> list[int]:
        """Of a text's words, and of the letters of those that have no token."""
        found: list[int] = []
        for word in _words(text):
            if word in self._ids:
                found.append(self._ids[word])
            else:
                found += [self._ids.get(letter, UNKNOWN) for letter in word]
        return found


def _words(text: str) -> list[str]:
    """Words with the space before them."""
    return [f" {word}" for word in text.split()]
