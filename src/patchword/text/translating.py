"""Text in, text out, whatever runs the network."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, overload

from patchword.engine.memory import LARGE_PAGES
from patchword.errors import DataError
from patchword.memory import memory_for
from patchword.text.beam_record import BeamRecord
from patchword.text.encoding import as_texts, source_ids, too_long
from patchword.text.following import Following
from patchword.text.hypothesis import Hypothesis
from patchword.text.long_texts import LongTranslation, translate_texts
from patchword.text.options import MOST_TOKENS, SearchOptions
from patchword.text.prefix import Prefix, forced_tokens, one_each
from patchword.text.replicas import cut, in_parallel
from patchword.text.translation import LONG, Alternative, Searched, Translation
from patchword.text.vocabulary import Vocabulary
from patchword.text.watch import CANCELLED, Watch


class Translating(ABC):
    """What translates with a network and its vocabulary.

    Attributes:
        network: what runs; it has a `config`, a `models.sequence_config.SequenceConfig`.
        vocabulary: whose tokens it was trained on.
        languages: source and target, as codes such as "en" and "de".
        options: how it searches unless it is told otherwise.
    """

    network: Any
    vocabulary: Vocabulary
    languages: tuple[str, str]
    options: SearchOptions

    @overload
    def translate(self, texts: str, options: SearchOptions | None = None, **how: Any) -> Translation: ...

    @overload
    def translate(
        self, texts: Iterable[str], options: SearchOptions | None = None, **how: Any
    ) -> list[Translation]: ...

    def translate(
        self,
        texts: str | Iterable[str],
        options: SearchOptions | None = None,
        *,
        watch: Watch | None = None,
        prefixes: Sequence[Prefix] | None = None,
        **changes: Any,
    ) -> Translation | list[Translation]:
        """Translate a sentence, or several, in order; sentences of like length are decoded together.

        Args:
            texts: a sentence each; an empty one has an empty translation, one of more tokens than `longest` an error.
            options: how to search; by default the translator's own `options`.
            watch: is told what is certain of each translation while it is searched for, and may give it up.
            prefixes: what each translation begins with, a text or ids of target tokens, or None for anything; one that
                nothing can begin with is that translation's error.
            changes: fields of `SearchOptions` that differ from them: beam=5, or method="sample", temperature=0.8.

        Returns:
            the translation of one text, or a list of those of several.

        Raises:
            RecipeError: if a search option does not exist or is out of its range.
            TypeError: if a text is none, or a prefix is neither text nor ids.
            ValueError: if there are not as many prefixes as texts.
            DataError: if a text holds half a surrogate pair, which is no character.
            NotFiniteError: if the network computes what is no number.
            OutOfMemoryError: if the search needs more memory than there is.
        """
        options = (options or self.options).changed(changes, "translate")
        several = as_texts(texts)
        found = self._translated(several, options, watch, one_each(prefixes, several))
        return found[0] if isinstance(texts, str) else found

    @overload
    def translate_text(self, texts: str, options: SearchOptions | None = None, **how: Any) -> LongTranslation: ...

    @overload
    def translate_text(
        self, texts: Iterable[str], options: SearchOptions | None = None, **how: Any
    ) -> list[LongTranslation]: ...

    def translate_text(
        self,
        texts: str | Iterable[str],
        options: SearchOptions | None = None,
        *,
        watch: Watch | None = None,
        prefixes: Sequence[Prefix] | None = None,
        most_tokens: int = LONG,
        **changes: Any,
    ) -> LongTranslation | list[LongTranslation]:
        """Translate texts of any number of sentences and lines, whose white space stays as it is.

        Args:
            texts: one, or several, whose sentences are all decoded together.
            options: see `translate`, as what is raised, and as `changes`.
            watch: is told of each text's translation what is certain from its beginning.
            prefixes: see `translate`; what the first sentence of each text begins with, if it has one.
            most_tokens: a sentence of more is translated in parts, at its clauses if it has some, which a note says.
        """
        options = (options or self.options).changed(changes, "translate")
        several = as_texts(texts)
        found = translate_texts(self, several, options, watch, one_each(prefixes, several), most_tokens)
        return found[0] if isinstance(texts, str) else found

    def _translated(
        self, texts: Sequence[str], options: SearchOptions, watch: Watch | None, prefixes: Sequence[Prefix]
    ) -> list[Translation]:
        ids = source_ids(self.vocabulary, texts)
        found = [self._forced(row, prefix, options) for row, prefix in zip(ids, prefixes, strict=True)]
        forced, errors = [tokens for tokens, _ in found], [too_long(row, self.longest) for row in ids]
        errors = [error or problem for error, (_, problem) in zip(errors, found, strict=True)]
        order = sorted((i for i, row in enumerate(ids) if row and errors[i] is None), key=lambda i: -len(ids[i]))
        results = [
            Translation(text, "", 0.0, (), len(row), error) for text, row, error in zip(texts, ids, errors, strict=True)
        ]
        batches = cut([len(ids[i]) for i in order], options)

        def decode(batch: slice) -> list[list[Hypothesis]]:
            rows = order[batch]
            following = None if watch is None else Following(watch, rows, self.vocabulary.decode_target)
            return self._search([ids[i] for i in rows], options, [forced[i] for i in rows], following)

        with memory_for("the search", "lower beam, or translate fewer or shorter texts at once"):
            for batch, decoded in zip(batches, in_parallel(decode, batches, self._device), strict=True):
                for index, hypotheses in zip(order[batch], decoded, strict=True):
                    results[index] = self._answer(results[index], hypotheses)
        LARGE_PAGES.trim()
        return results

    def _forced(self, ids: Sequence[int], prefix: Prefix, options: SearchOptions) -> tuple[list[int], str | None]:
        return forced_tokens(prefix, self.vocabulary, ids, options.limit(len(ids), self.network.config.longest))

    def _answer(self, result: Translation, hypotheses: Sequence[Hypothesis]) -> Translation:
        if not hypotheses:
            return replace(result, error=CANCELLED)
        alternatives = tuple(Alternative(self._text(h), h.score) for h in hypotheses)
        best = alternatives[0]
        return replace(result, text=best.text, score=best.score, alternatives=alternatives)

    def searched(
        self, text: str, options: SearchOptions | None = None, *, prefix: Prefix = None, **changes: Any
    ) -> Searched:
        """Translate one sentence, with the tokens and what the search weighed at every step.

        Args:
            text: the sentence; of an empty one the end token alone is read.
            options: see `translate`.
            prefix: what the translation begins with.
            changes: see `translate`.

        Raises:
            DataError: if it has more tokens than `longest`, or cannot begin with the prefix.
        """
        options = (options or self.options).changed(changes, "translate")
        ids = source_ids(self.vocabulary, [text])[0] or [self.vocabulary.eos_id]
        forced, problem = self._forced(ids, prefix, options)
        if problem := too_long(ids, self.longest) or problem:
            raise DataError("the text", problem)
        record = BeamRecord()
        found = self._search([ids], options, [forced], record=record)[0]
        answer = self._answer(Translation(text, "", 0.0, (), len(ids)), found)
        return Searched(answer, found[0].tokens, record)

    @property
    def longest(self) -> int:
        """Most tokens of a source, the end token included."""
        return min(MOST_TOKENS, self.network.config.longest or MOST_TOKENS)

    @abstractmethod
    def _search(
        self,
        ids: list[list[int]],
        options: SearchOptions,
        prefixes: list[list[int]],
        following: Following | None = None,
        record: BeamRecord | None = None,
    ) -> list[list[Hypothesis]]:
        """Search a batch; see `generation.generate`."""

    @property
    @abstractmethod
    def _device(self) -> Any:
        """Where the network runs, a `torch.device`; None for the processor."""

    def _text(self, hypothesis: Hypothesis) -> str:
        return self.vocabulary.decode_target(hypothesis.tokens)


def check_sizes(vocabulary: Vocabulary, config: Any) -> None:
    """See that a vocabulary's sizes are a network's; a ValueError if they are not."""
    sizes = (vocabulary.source_size, vocabulary.target_size)
    expected = (config.source_vocab_size, config.target_vocab_size)
    if sizes != expected:
        raise ValueError(
            f"the vocabulary has {sizes[0]} source and {sizes[1]} target tokens, "
            f"but the weights were made for {expected[0]} and {expected[1]}"
        )
