"""A trained translator: text in, text out."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any, Self, overload

import torch

from patchword.checkpoints.model_folder import Description
from patchword.errors import DataError, ModelFolderError
from patchword.memory import memory_for
from patchword.models.contracts import SequenceToSequence
from patchword.models.evidence import Evidence
from patchword.system import System
from patchword.text.batches import pad
from patchword.text.details import TranslatorDetails
from patchword.text.hypothesis import Hypothesis
from patchword.text.options import MOST_TOKENS
from patchword.text.replicas import cut, in_parallel
from patchword.text.search import SearchOptions, search
from patchword.text.vocabulary import Vocabulary

_SURROGATE = re.compile("[\ud800-\udfff]")
_LONGEST_PIECE = 64  # characters; in a text of so many times the limit there must be too many tokens
LONG = 256  # tokens; what has more is no sentence, and models that learned from sentences leave parts of it out


@dataclass(frozen=True)
class Alternative:
    """One of a sentence's translations; `score` is its log-probability over the length penalty, nearer 0 is better."""

    text: str
    score: float


@dataclass(frozen=True)
class Translation:
    """A sentence's translation.

    Attributes:
        source: the text as given.
        text: the best translation; empty for an empty source, and where there is an error.
        score: of the best translation.
        alternatives: the n best, the best included.
        source_tokens: how many tokens the source has, the end token included; 0 for an empty one.
        error: why it cannot be translated, such as that it is too long; None if it was.
    """

    source: str
    text: str
    score: float
    alternatives: tuple[Alternative, ...]
    source_tokens: int = 0
    error: str | None = None

    @property
    def is_long(self) -> bool:
        """Whether the source is longer than sentences are, so that parts of it may be missing."""
        return self.source_tokens > LONG

    def __str__(self) -> str:
        return self.text if self.error is None else f"[{self.error}]"

    def _repr_html_(self) -> str:
        rows = [f"<td>{a.score:.3f}</td><td>{escape(a.text)}</td>" for a in self.alternatives]
        rows = rows or [f"<td></td><td><em>{escape(self.error or 'nothing to translate')}</em></td>"]
        found = "".join(f"<tr>{row}</tr>" for row in rows)
        return f"<table><tr><th>score</th><th>{escape(self.source)}</th></tr>{found}</table>"


@dataclass(frozen=True)
class AttendedTranslation:
    """A translation with what the model looked at.

    Attributes:
        translation: the result.
        source_pieces: the source tokens as text, the end token included.
        target_pieces: the generated tokens as text.
        evidence: what the model looked at; in its "cross" map, (layer, 1, head, target, source), row t is where the
            decoder looked in the source while it predicted target piece t.
    """

    translation: Translation
    source_pieces: tuple[str, ...]
    target_pieces: tuple[str, ...]
    evidence: Evidence


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
        RecipeError: if int8 is asked for and the network has no packed form.
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
    def translate(self, texts: str, options: SearchOptions | None = None, **changes: Any) -> Translation: ...

    @overload
    def translate(
        self, texts: Iterable[str], options: SearchOptions | None = None, **changes: Any
    ) -> list[Translation]: ...

    def translate(
        self, texts: str | Iterable[str], options: SearchOptions | None = None, **changes: Any
    ) -> Translation | list[Translation]:
        """Translate a sentence, or several, in order; sentences of like length are decoded together.

        Args:
            texts: a sentence each; an empty one has an empty translation, one of more tokens than `longest` an error.
            options: how to search; by default the translator's own `options`.
            changes: fields of `SearchOptions` that differ from them: beam=5, or method="sample", temperature=0.8.

        Returns:
            the translation of one text, or a list of those of several.

        Raises:
            RecipeError: if a search option does not exist or is out of its range.
            TypeError: if a text is none.
            DataError: if a text holds half a surrogate pair, which is no character.
            NotFiniteError: if the network computes what is no number.
            OutOfMemoryError: if the search needs more memory than there is.
        """
        options = (options or self.options).changed(changes, "translate")
        if isinstance(texts, str):
            return self._translated([texts], options)[0]
        texts = list(texts)
        for text in texts:
            if not isinstance(text, str):
                raise TypeError(f"a text is a str, or several are a list of them; found {type(text).__name__}")
        return self._translated(texts, options)

    def _translated(self, texts: Sequence[str], options: SearchOptions) -> list[Translation]:
        ids = self._encoded(texts)
        errors = [self._too_long(row) for row in ids]
        order = sorted((i for i, row in enumerate(ids) if row and errors[i] is None), key=lambda i: -len(ids[i]))
        results = [
            Translation(text, "", 0.0, (), len(row), error) for text, row, error in zip(texts, ids, errors, strict=True)
        ]
        batches = cut([len(ids[i]) for i in order], options)

        def decode(batch: slice) -> list[list[Hypothesis]]:
            return self._search([ids[i] for i in order[batch]], options)

        with memory_for("the search", "lower beam, or translate fewer or shorter texts at once"):
            for batch, found in zip(batches, in_parallel(decode, batches, self.network.device), strict=True):
                for index, hypotheses in zip(order[batch], found, strict=True):
                    alternatives = tuple(Alternative(self._text(h), h.score) for h in hypotheses)
                    best = alternatives[0]
                    results[index] = replace(
                        results[index], text=best.text, score=best.score, alternatives=alternatives
                    )
        return results

    def _summary(self) -> str:
        return f"{self.languages[0]} to {self.languages[1]}"

    def attention(self, text: str, options: SearchOptions | None = None) -> AttendedTranslation:
        """Translate one sentence and look again at what the model looked at.

        Raises:
            DataError: if it has more tokens than `longest`.
        """
        ids = [row or [self.vocabulary.eos_id] for row in self._encoded([text])]
        if problem := self._too_long(ids[0]):
            raise DataError("the text", problem)
        model = self.model
        source = torch.tensor(ids, device=self.network.device)
        best = search(model, source, options or self.options)[0][0]
        target = torch.tensor([[model.config.bos_id, *best.tokens[:-1]]], device=self.network.device)
        with torch.inference_mode():
            evidence = model.evidence(source, target)
        found = Alternative(self._text(best), best.score)
        return AttendedTranslation(
            Translation(text, found.text, found.score, (found,), len(ids[0])),
            tuple(self.vocabulary.source_pieces(ids[0])),
            tuple(self.vocabulary.target_pieces(best.tokens)),
            evidence,
        )

    @property
    def longest(self) -> int:
        """Most tokens of a source, the end token included."""
        return min(MOST_TOKENS, self.model.config.longest or MOST_TOKENS)

    def _too_long(self, ids: Sequence[int]) -> str | None:
        if len(ids) <= self.longest:
            return None
        return (
            f"has {len(ids):,} tokens or more; at most {self.longest:,} are translated at once: cut it into sentences"
        )

    def _encoded(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each text; none of an empty one, and of one that is far too long only so many that this is seen."""
        most = _LONGEST_PIECE * (MOST_TOKENS + 1)
        shown = [self.vocabulary.normalised(text.strip()[:most]).strip() for text in texts]
        try:
            rows = self.vocabulary.encode_source(shown)
            return [row if text else [] for text, row in zip(shown, rows, strict=True)]
        except (UnicodeEncodeError, TypeError):  # which of them depends on SentencePiece's version
            for number, text in enumerate(texts, start=1):
                if lone := _SURROGATE.search(text):
                    code, place = f"U+{ord(lone[0]):04X}", lone.start() + 1
                    problem = f"character {place} is half a surrogate pair, {code}, which is no text"
                    raise DataError(f"text {number}", problem) from None
            raise

    def _search(self, ids: list[list[int]], options: SearchOptions) -> list[list[Hypothesis]]:
        model: SequenceToSequence = self.network.fast
        return search(model, pad(ids, model.config.pad_id).to(self.network.device), options)

    def _text(self, hypothesis: Hypothesis) -> str:
        return self.vocabulary.decode_target(hypothesis.tokens)
