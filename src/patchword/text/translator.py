"""A trained translator: text in, text out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, overload

from patchword.checkpoints.model_folder import Description
from patchword.errors import DataError, ModelFolderError
from patchword.memory import memory_for
from patchword.models.contracts import SequenceToSequence
from patchword.system import System
from patchword.text.attended import AttendedPair, AttendedTranslation, read_pairs
from patchword.text.batches import pad
from patchword.text.beam_record import BeamRecord
from patchword.text.details import TranslatorDetails
from patchword.text.encoding import as_texts, source_ids, target_ids, too_long
from patchword.text.following import Following
from patchword.text.hypothesis import Hypothesis
from patchword.text.long_texts import LongTranslation, translate_texts
from patchword.text.options import MOST_TOKENS
from patchword.text.prefix import Prefix, forced_tokens, one_each
from patchword.text.replicas import cut, in_parallel
from patchword.text.search import SearchOptions, search
from patchword.text.translation import LONG, Alternative, Searched, Translation
from patchword.text.vocabulary import Vocabulary
from patchword.text.watch import CANCELLED, Watch

__all__ = ["Alternative", "AttendedPair", "AttendedTranslation", "Searched", "Translation", "Translator"]


class Translator(System):
    """Translates with a model and its vocabulary.

    Args:
        model: a sequence-to-sequence network.
        vocabulary: whose tokens it was trained on.
        languages: source and target, as codes such as "en" and "de".
        facts: what is known about the model.
        options: how it searches unless it is told otherwise; by default the paper's beam search.
        how: precision, reference and reread; see `System`.

    Raises:
        ValueError: if the vocabulary's sizes are not the model's.
        RecipeError: if the network has no packed form in the precision that is asked for.
    """

    task = TranslatorDetails.TASK

    def __init__(
        self,
        model: Any,
        vocabulary: Vocabulary,
        languages: tuple[str, str] = ("source", "target"),
        facts: Mapping[str, Any] | None = None,
        options: SearchOptions | None = None,
        **how: Any,
    ) -> None:
        sizes = (vocabulary.source_size, vocabulary.target_size)
        expected = (model.config.source_vocab_size, model.config.target_vocab_size)
        if sizes != expected:
            raise ValueError(
                f"the vocabulary has {sizes[0]} source and {sizes[1]} target tokens, "
                f"but the weights were made for {expected[0]} and {expected[1]}"
            )
        super().__init__(model, facts, **how)
        self.vocabulary = vocabulary
        self.languages = languages
        self.options = options or SearchOptions()

    @classmethod
    def described(cls, folder: Path, description: Description, model: Any, **how: Any) -> Self:
        """See `System.described`."""
        if not isinstance(model, SequenceToSequence):
            raise ModelFolderError(folder, f"config.json: a {description.architecture} does not translate")
        details = TranslatorDetails.read(description.details)
        return cls(model, Vocabulary.load(folder), details.languages, description.facts, details.search, **how)

    @property
    def details(self) -> TranslatorDetails:
        """Languages, and how it searches."""
        source, target = self.languages
        return TranslatorDetails(source_language=source, target_language=target, search=self.options)

    @property
    def files(self) -> dict[str, bytes]:
        """The vocabulary's files."""
        return self.vocabulary.files()

    @property
    def title(self) -> str:
        """See `System.title`."""
        return f"Translation, {self.languages[0]} to {self.languages[1]}"

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
            for batch, decoded in zip(batches, in_parallel(decode, batches, self.network.device), strict=True):
                for index, hypotheses in zip(order[batch], decoded, strict=True):
                    results[index] = self._answer(results[index], hypotheses)
        return results

    def _forced(self, ids: Sequence[int], prefix: Prefix, options: SearchOptions) -> tuple[list[int], str | None]:
        return forced_tokens(prefix, self.vocabulary, ids, options.limit(len(ids), self.network.config.longest))

    def _answer(self, result: Translation, hypotheses: Sequence[Hypothesis]) -> Translation:
        if not hypotheses:
            return replace(result, error=CANCELLED)
        alternatives = tuple(Alternative(self._text(h), h.score) for h in hypotheses)
        best = alternatives[0]
        return replace(result, text=best.text, score=best.score, alternatives=alternatives)

    def _summary(self) -> str:
        return f"{self.languages[0]} to {self.languages[1]}"

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

    def forced(
        self, sources: Sequence[str], targets: Sequence[str | Sequence[int]], likeliest: int = 5
    ) -> list[AttendedPair]:
        """Read given translations with the model: what it looked at, and what it expected in each place.

        Args:
            sources: a sentence each; of an empty one the end token alone is read.
            targets: the translation of each, as text, or as ids of target tokens without the start token.
            likeliest: how many tokens to find in each place; with 0 no probability is computed.

        Raises:
            DataError: naming the pair of which a side has more tokens than the model reads, or ids that are no tokens.
            ValueError: if there are not as many targets as sources.
        """
        if len(sources) != len(targets):
            raise ValueError(f"{len(targets)} targets of {len(sources)} sources")
        vocabulary = self.vocabulary
        rows = [row or [vocabulary.eos_id] for row in source_ids(vocabulary, sources)]
        ids = []
        for number, (source, target) in enumerate(zip(rows, targets, strict=True), start=1):
            try:
                ids.append(target_ids(vocabulary, target))
            except ValueError as error:
                raise DataError(f"pair {number}", str(error)) from None
            if problem := too_long(source, self.longest) or too_long(ids[-1], self.longest):
                raise DataError(f"pair {number}", problem)
        with memory_for("reading the pairs", "give fewer or shorter pairs at once"):
            return read_pairs(self.model, vocabulary, rows, ids, likeliest, self.options.renormalise)

    def attention(self, text: str, options: SearchOptions | None = None) -> AttendedTranslation:
        """Translate one sentence and look again at what the model looked at.

        Raises:
            DataError: if it has more tokens than `longest`.
        """
        found = self.searched(text, options)
        pair = self.forced([text], [found.tokens], likeliest=0)[0]
        return AttendedTranslation(found.translation, pair.source_pieces, pair.target_pieces, pair.evidence)

    @property
    def longest(self) -> int:
        """Most tokens of a source, the end token included."""
        return min(MOST_TOKENS, self.network.config.longest or MOST_TOKENS)

    def _search(
        self,
        ids: list[list[int]],
        options: SearchOptions,
        prefixes: list[list[int]],
        following: Following | None = None,
        record: BeamRecord | None = None,
    ) -> list[list[Hypothesis]]:
        model: SequenceToSequence = self.network.fast
        source = pad(ids, model.config.pad_id).to(self.network.device)
        return search(model, source, options, prefixes=prefixes, following=following, record=record)

    def _text(self, hypothesis: Hypothesis) -> str:
        return self.vocabulary.decode_target(hypothesis.tokens)
