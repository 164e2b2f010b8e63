"""A translator that runs without torch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy
from numpy import int64

from patchword.text.beam_record import BeamRecord
from patchword.text.details import TranslatorDetails
from patchword.text.following import Following
from patchword.text.generation import generate
from patchword.text.hypothesis import Hypothesis
from patchword.text.native_steps import NativeSteps
from patchword.text.options import SearchOptions
from patchword.text.translating import Translating, check_sizes
from patchword.text.vocabulary import Vocabulary


class RuntimeTranslator(Translating):
    """Translates as `text.translator.Translator` does, to the same bits; it only does not draw samples.

    Args:
        network: an `engine.native_transformer.NativeTransformer`.
        vocabulary: whose tokens it was trained on.
        details: languages, and how it searches unless it is told otherwise.
        folder: the model folder that it came from.

    Raises:
        ValueError: if the vocabulary's sizes are not the network's.
    """

    task: ClassVar[str] = TranslatorDetails.TASK

    def __init__(self, network: Any, vocabulary: Vocabulary, details: TranslatorDetails, folder: Path) -> None:
        self.network, self.folder = network, folder
        self.vocabulary, self.languages, self.options = vocabulary, details.languages, details.search
        check_sizes(vocabulary, network.config)

    def __reduce__(self) -> tuple[Any, ...]:
        from patchword.runtime.loading import again

        return again, (self.folder, self.task, self.network.precision)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.languages[0]} to {self.languages[1]}; {self.network.precision}>"

    def _search(
        self,
        ids: list[list[int]],
        options: SearchOptions,
        prefixes: list[list[int]],
        following: Following | None = None,
        record: BeamRecord | None = None,
    ) -> list[list[Hypothesis]]:
        longest = self.network.config.longest
        limits = [options.limit(len(row), longest) for row in ids]

        def begin(wanted: Sequence[int]) -> NativeSteps:
            return NativeSteps(self.network, _padded([ids[index] for index in wanted], self.network.config.pad_id))

        return generate(begin, limits, options, prefixes=prefixes, following=following, record=record)

    @property
    def _device(self) -> None:
        return None


def _padded(rows: Sequence[Sequence[int]], pad_id: int) -> Any:
    """Rows of ids as one array (rows, longest), short ones filled with pad_id at the end."""
    found = numpy.full((len(rows), max(map(len, rows))), pad_id, dtype=int64)
    for row, ids in zip(found, rows, strict=True):
        row[: len(ids)] = ids
    return found
