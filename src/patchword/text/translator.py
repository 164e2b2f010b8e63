"""A trained translator: text in, text out."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch

from patchword.checkpoints.card import model_card
from patchword.checkpoints.exportable import Exportable
from patchword.checkpoints.model_folder import model_path, read_description, read_model, write_model_folder
from patchword.engine.network import Network
from patchword.engine.products import Precision
from patchword.errors import DataError, ModelFolderError, RecipeError
from patchword.models.sequence import SequenceToSequence
from patchword.nn.trace import AttentionTrace
from patchword.text.batches import pad
from patchword.text.hypothesis import Hypothesis
from patchword.text.replicas import cut, in_parallel
from patchword.text.search import SearchOptions, search
from patchword.text.vocabulary import Vocabulary

_SURROGATE = re.compile("[\ud800-\udfff]")


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
        text: the best translation; empty for an empty source.
        score: of the best translation.
        alternatives: the n best, the best included.
    """

    source: str
    text: str
    score: float
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True)
class AttendedTranslation:
    """A translation with its attention.

    Attributes:
        translation: the result.
        source_pieces: the source tokens as text, the end token included.
        target_pieces: the generated tokens as text.
        trace: its "cross" maps are (1, heads, target, source), one a layer: row t is where the decoder looked in the
            source while it predicted target piece t.
    """

    translation: Translation
    source_pieces: tuple[str, ...]
    target_pieces: tuple[str, ...]
    trace: AttentionTrace


class Translator:
    """Translates with a model and its vocabulary.

    Args:
        model: a sequence-to-sequence network.
        vocabulary: whose tokens it was trained on.
        languages: source and target, as codes such as "en" and "de".
        facts: what is known about the model.
        options: how it searches unless it is told otherwise; by default the paper's beam search.
        precision: of the matrix products on the CPU: "float32", or "int8", which is faster and takes a quarter of
            the memory, for a small loss.
        reference: run the network of `models` itself, not the engine's packed one.
        reread: makes the same model again; see `engine.network.Network`.

    Raises:
        ValueError: if the vocabulary's sizes are not the model's.
        RecipeError: if int8 is asked for and the network has no packed form.
    """

    task = "translation"

    def __init__(
        self,
        model: Any,
        vocabulary: Vocabulary,
        languages: tuple[str, str] = ("source", "target"),
        facts: Mapping[str, Any] | None = None,
        options: SearchOptions | None = None,
        *,
        precision: Precision = "float32",
        reference: bool = False,
        reread: Callable[[], Any] | None = None,
    ) -> None:
        sizes = (vocabulary.source_size, vocabulary.target_size)
        expected = (model.config.source_vocab_size, model.config.target_vocab_size)
        if sizes != expected:
            raise ValueError(
                f"the vocabulary has {sizes[0]} source and {sizes[1]} target tokens, "
                f"but the weights were made for {expected[0]} and {expected[1]}"
            )
        self.network = Network(model, precision, reference, reread)
        self.vocabulary = vocabulary
        self.languages = languages
        self.facts = dict(facts or {})
        self.options = options or SearchOptions()

    @property
    def model(self) -> Any:
        """The network, for looking into and for changing; what translates follows its weights."""
        return self.network.model

    @classmethod
    def load(cls, path: Path | str, *, precision: Precision = "float32", reference: bool = False) -> Self:
        """Open a model folder, or a run folder's best model.

        Args:
            path: the folder.
            precision: "float32", or "int8" for more speed and less memory at a small loss.
            reference: run the network of `models` itself, not the engine's packed one.

        Raises:
            ModelFolderError: if the folder is missing, damaged, for another task, or its vocabulary does not fit.
        """
        folder = model_path(Path(path))
        description = read_description(folder, cls.task)
        vocabulary = Vocabulary.load(folder)
        languages = (description.details.get("source_language", "?"), description.details.get("target_language", "?"))
        try:
            options = SearchOptions.parse(description.details.get("search", {}), "config.json, details.search")
            return cls(
                read_model(folder, description),
                vocabulary,
                languages,
                description.facts,
                options,
                precision=precision,
                reference=reference,
                reread=lambda: read_model(folder, description),
            )
        except (ValueError, RecipeError) as error:
            raise ModelFolderError(folder, str(error)) from None

    def save(self, path: Path | str) -> None:
        """Write a model folder."""
        parameters = sum(p.numel() for p in self.model.parameters())
        write_model_folder(
            Path(path),
            self.model,
            task=self.task,
            details=self._details,
            facts=self.facts,
            card=model_card(
                f"Translation, {self.languages[0]} to {self.languages[1]}",
                f"A Transformer with {parameters:,} parameters, made by Patchword.",
                'patchword translate THIS_FOLDER "..."',
                self.facts,
            ),
            files=self.vocabulary.files(),
        )

    def exportable(self) -> Exportable:
        """What an exporter needs of it."""
        return Exportable(self.model, self.task, self._details, self.vocabulary.files())

    def translate(self, texts: Sequence[str], options: SearchOptions | None = None) -> list[Translation]:
        """Translate sentences, in order; sentences of like length are decoded together.

        Args:
            texts: a sentence each; an empty one has an empty translation.
            options: how to search; by default the translator's own `options`.

        Raises:
            DataError: if a text holds half a surrogate pair, which is no character.
            NotFiniteError: if the network computes what is no number.
        """
        options = options or self.options
        ids = self._encoded(texts)
        order = sorted((i for i, text in enumerate(texts) if text.strip()), key=lambda i: -len(ids[i]))
        results = [Translation(text, "", 0.0, ()) for text in texts]
        batches = cut([len(ids[i]) for i in order], options)

        def decode(batch: slice) -> list[list[Hypothesis]]:
            return self._search([ids[i] for i in order[batch]], options)

        for batch, found in zip(batches, in_parallel(decode, batches, self.network.device), strict=True):
            for index, hypotheses in zip(order[batch], found, strict=True):
                alternatives = tuple(Alternative(self._text(h), h.score) for h in hypotheses)
                results[index] = Translation(texts[index], alternatives[0].text, alternatives[0].score, alternatives)
        return results

    def attention(self, text: str, options: SearchOptions | None = None) -> AttendedTranslation:
        """Translate one sentence and look again at what its decoder attended to."""
        ids = self._encoded([text])
        model = self.model
        source = torch.tensor(ids, device=self.network.device)
        best = search(model, source, options or self.options)[0][0]
        target = torch.tensor([[model.config.bos_id, *best.tokens[:-1]]], device=self.network.device)
        trace = AttentionTrace()
        with torch.inference_mode():
            model(source, target, trace)
        found = Alternative(self._text(best), best.score)
        return AttendedTranslation(
            Translation(text, found.text, found.score, (found,)),
            tuple(self.vocabulary.source_pieces(ids[0])),
            tuple(self.vocabulary.target_pieces(best.tokens)),
            trace,
        )

    @property
    def _details(self) -> dict[str, Any]:
        details: dict[str, Any] = {"source_language": self.languages[0], "target_language": self.languages[1]}
        if self.options != SearchOptions():
            details["search"] = self.options.model_dump(exclude_defaults=True)
        return details

    def _encoded(self, texts: Sequence[str]) -> list[list[int]]:
        try:
            return self.vocabulary.encode_source([text.strip() for text in texts])
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
