"""What is certain of translations while they are searched for, told as text."""

from collections.abc import Callable, Sequence
from typing import Self

from patchword.text.hypothesis import Hypothesis
from patchword.text.watch import EndWatch, Watch

_UNDECIDED = "\ufffd"  # what a vocabulary shows for bytes that are no character, or not yet


class Following:
    """Tells a watch what a search settles.

    Args:
        watch: who is told and asked.
        indices: what the watch calls each sentence of the batch.
        text_of: the text of tokens.
    """

    def __init__(self, watch: Watch, indices: Sequence[int], text_of: Callable[[Sequence[int]], str]) -> None:
        self._watch = watch
        self._indices = list(indices)
        self._text_of = text_of
        self._told = [""] * len(self._indices)
        self._tokens = [0] * len(self._indices)

    def only(self, sentences: Sequence[int]) -> Self:
        """The same for some of the sentences."""
        return type(self)(self._watch, [self._indices[sentence] for sentence in sentences], self._text_of)

    def wanted(self, sentence: int) -> bool:
        """Whether to go on with a sentence."""
        return self._watch.wanted(self._indices[sentence])

    def settled(self, sentence: int, tokens: Sequence[int]) -> None:
        """These are the sentence's first tokens, whatever follows."""
        if len(tokens) > self._tokens[sentence]:
            self._tokens[sentence] = len(tokens)
            # What may still change: a character of which not all bytes are there, and blanks, which some vocabularies
            # leave out at the end of a text.
            self._tell(sentence, self._text_of(tokens).rstrip(_UNDECIDED).rstrip())

    def agreed(self, sentence: int, live: Sequence[Sequence[int]], best: Hypothesis | None) -> None:
        """Settle what all hypotheses that can still win have in common.

        Args:
            sentence: which of the batch.
            live: tokens of the unfinished hypotheses that may still become better than the best finished one.
            best: the best finished hypothesis.
        """
        hypotheses = live if best is None else [*live, best.tokens]
        common = min(map(len, hypotheses))
        first = hypotheses[0]
        length = self._tokens[sentence]
        while length < common and all(other[length] == first[length] for other in hypotheses):
            length += 1
        self.settled(sentence, first[:length])

    def ended(self, sentence: int, tokens: Sequence[int]) -> None:
        """The sentence's translation is this."""
        text = self._text_of(tokens)
        if isinstance(self._watch, EndWatch):
            self._watch.ended(self._indices[sentence], text)
        else:
            self._tell(sentence, text)

    def _tell(self, sentence: int, text: str) -> None:
        if len(text) > len(self._told[sentence]) and text.startswith(self._told[sentence]):
            self._told[sentence] = text
            self._watch.told(self._indices[sentence], text)
