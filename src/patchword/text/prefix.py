"""Target tokens that a translation must begin with."""

from collections.abc import Sequence
from itertools import zip_longest

import numpy
from numpy import int64

from patchword.text.encoding import SURROGATE
from patchword.text.steps import Ids
from patchword.text.vocabulary import Vocabulary

Prefix = str | Sequence[int] | None  # as text, as ids, or none


class Forced:
    """The prefixes of a batch.

    Args:
        prefixes: ids that each sentence begins with; none for any beginning.
    """

    def __init__(self, prefixes: Sequence[Sequence[int]]) -> None:
        # A row a step, (longest, sentences).
        self._tokens = [numpy.array(step, dtype=int64) for step in zip_longest(*prefixes, fillvalue=-1)]

    def at(self, step: int, sentences: Sequence[int] | Ids) -> Ids | None:
        """The token that each of the sentences must take at a step, -1 for any; None if each may take any."""
        if step >= len(self._tokens):
            return None
        tokens = self._tokens[step][sentences]
        return tokens if bool((tokens >= 0).any()) else None


def one_each(prefixes: Sequence[Prefix] | None, texts: Sequence[str]) -> Sequence[Prefix]:
    """A prefix for each of some texts.

    Raises:
        ValueError: if there are not as many as texts.
    """
    if prefixes is None:
        return [None] * len(texts)
    if len(prefixes) != len(texts):
        raise ValueError(f"{len(prefixes)} prefixes of {len(texts)} texts")
    return prefixes


def prefix_tokens(prefix: Prefix, vocabulary: Vocabulary) -> list[int]:
    """The ids that a prefix means.

    Blanks around a text do not count: a translation begins with a word, and what follows brings its own blank.

    Raises:
        TypeError: if it is neither a text nor ids.
        ValueError: a clause that says why no translation can begin with it.
    """
    if prefix is None:
        return []
    if isinstance(prefix, str):
        if SURROGATE.search(prefix):
            raise ValueError("holds half a surrogate pair, which is no text")
        ids = vocabulary.encode_target([prefix.strip()])[0][1:-1] if prefix.strip() else []
        if vocabulary.unknown_id in ids:
            raise ValueError("holds characters that the vocabulary has no token for")
        return ids
    ids = []
    for token in prefix:
        if isinstance(token, bool) or not isinstance(token, int):
            raise TypeError(f"a prefix is a str, or the ids of target tokens as ints; found {type(token).__name__}")
        if not 0 <= token < vocabulary.target_size:
            raise ValueError(f"has the id {token}, and the target tokens are 0 to {vocabulary.target_size - 1:,}")
        if token in (vocabulary.pad_id, vocabulary.bos_id, vocabulary.eos_id):
            raise ValueError(f"has the id {token}, a special token, which no translation goes on after")
        ids.append(token)
    return ids


def forced_tokens(
    prefix: Prefix, vocabulary: Vocabulary, source: Sequence[int], most: int
) -> tuple[list[int], str | None]:
    """The ids that a prefix means, and why a translation cannot begin with it, a clause, or None if it can.

    Args:
        prefix: see `prefix_tokens`, as `vocabulary` and what is raised.
        source: ids of the text; none of an empty one.
        most: tokens that its translation may have.
    """
    try:
        tokens = prefix_tokens(prefix, vocabulary)
    except ValueError as error:
        return [], f"the prefix {error}"
    if tokens and not source:
        return [], "the text is empty, and has no translation that could begin with a prefix"
    if len(tokens) >= most:
        return [], (
            f"the prefix has {len(tokens):,} tokens, and a translation of this text has at most {most:,}, the end "
            "token included"
        )
    return tokens, None
