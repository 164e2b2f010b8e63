"""A trained translator: text in, text out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from patchword.checkpoints.description import Description
from patchword.errors import DataError, ModelFolderError
from patchword.memory import memory_for
from patchword.models.contracts import SequenceToSequence
from patchword.system import System
from patchword.text.attended import AttendedPair, AttendedTranslation, read_pairs
from patchword.text.batches import pad
from patchword.text.beam_record import BeamRecord
from patchword.text.details import TranslatorDetails
from patchword.text.encoding import source_ids, target_ids, too_long
from patchword.text.following import Following
from patchword.text.hypothesis import Hypothesis
from patchword.text.search import SearchOptions, search
from patchword.text.translating import Translating, check_sizes
from patchword.text.translation import Alternative, Searched, Translation
from patchword.text.vocabulary import Vocabulary

__all__ = ["Alternative", "AttendedPair", "AttendedTranslation", "Searched", "Translation", "Translator"]


class Translator(System, Translating):
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
        check_sizes(vocabulary, model.config)
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

    def _summary(self) -> str:
        return f"{self.languages[0]} to {self.languages[1]}"

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

    @property
    def _device(self) -> Any:
        return self.network.device
