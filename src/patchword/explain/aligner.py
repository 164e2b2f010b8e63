"""Word links of given sentence pairs, by forced decoding."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from patchword.errors import DataError
from patchword.explain.alignment import Links, Reading, links_of, spread, word_weights
from patchword.explain.forced import forced_cross, source_ids, target_ids
from patchword.explain.measuring import kept
from patchword.explain.words import Word, piece_words, places, text_words
from patchword.text.replicas import in_parallel
from patchword.text.translator import Translator

MOST_TOKENS = 1024  # of a side: the maps of a pair grow by the product of its sides
_CELLS = 2**17  # steps times source tokens of a batch, padding included


@dataclass(frozen=True)
class Aligned:
    """A pair's links.

    Attributes:
        source: words of the source; see `words.text_words`.
        target: words of the target.
        links: numbers of a source and a target word; none where a side is empty, or there is an error.
        error: why it cannot be aligned; None if it was.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    links: tuple[tuple[int, int], ...]
    error: str | None = None


@dataclass(frozen=True)
class Pair:
    """A pair as the model has it, with what leads back to its words.

    Attributes:
        source: ids, ended by the end token.
        target: ids without the start and the end token.
        source_words: words of the source's pieces.
        target_words: words of the target's pieces.
        source_places: which words of the source text each of them is; see `words.places`.
        target_places: the same of the target.
    """

    source: list[int]
    target: list[int]
    source_words: list[Word]
    target_words: list[Word]
    source_places: list[list[int]]
    target_places: list[list[int]]

    @classmethod
    def of(cls, translator: Translator, source: str, target: str) -> "Pair":
        """Two texts, none of them empty, in the model's pieces.

        Raises:
            DataError: if a side has too many tokens.
        """
        vocabulary = translator.vocabulary
        ids = source_ids(translator, source, MOST_TOKENS), target_ids(translator, target, MOST_TOKENS)
        source_words = piece_words(vocabulary.source_pieces(ids[0][:-1]), False)
        target_words = piece_words(vocabulary.target_pieces(ids[1]), False)
        return cls(*ids, source_words, target_words, places(source_words, source), places(target_words, target))

    def links(self, cross: Tensor, reading: Reading) -> Links:
        """Links between the words of the two texts; `cross` as `forced_cross` gives it."""
        weights = word_weights(cross, reading, self.source_words, self.target_words)
        return spread(links_of(weights, reading.agreed), self.source_places, self.target_places)


def reading_of(translator: Translator) -> tuple[Reading, float | None]:
    """How a translator's attention is read, and the alignment error that was measured for it, in percent, if any was."""
    layers = attention_layers(translator)
    found = kept(translator).get("alignment")
    reading = Reading.parse(found.get("reading") if isinstance(found, dict) else None, layers)
    if reading is None or not isinstance(found, dict):
        return Reading.usual(layers), None
    error = found.get("error")
    return reading, float(error) if isinstance(error, int | float) and not isinstance(error, bool) else None


def attention_layers(translator: Translator) -> int:
    """How many layers a translator's "cross" map has."""
    eos = translator.vocabulary.eos_id
    return int(forced_cross(translator, [[eos]], [[]])[0].size(0))


def align(
    translator: Translator, sources: Sequence[str], targets: Sequence[str], reading: Reading | None = None
) -> list[Aligned]:
    """Which words of two texts are translations of each other, for any number of pairs.

    Args:
        translator: from the sources' language to the targets'.
        sources: a sentence each.
        targets: their translations, in the same order.
        reading: how attention is read; by default as was measured for the model.

    Raises:
        DataError: if there are not as many targets as sources.
        OutOfMemoryError: if the maps need more memory than there is.
    """
    if len(sources) != len(targets):
        raise DataError("the targets", f"are {len(targets):,}, but the sources {len(sources):,}; expected one for each")
    if reading is None:
        reading = reading_of(translator)[0]
    results: list[Aligned] = []
    pairs: dict[int, Pair] = {}
    for index, (source, target) in enumerate(zip(sources, targets, strict=True)):
        words, error = (tuple(text_words(source)), tuple(text_words(target))), None
        if all(words):
            try:
                pairs[index] = Pair.of(translator, source, target)
            except DataError as problem:
                error = str(problem)
        results.append(Aligned(*words, (), error))
    found = linked(translator, list(pairs.values()), [reading])
    for index, links in zip(pairs, found, strict=True):
        results[index] = Aligned(results[index].source, results[index].target, tuple(links[0]))
    return results


def linked(translator: Translator, pairs: Sequence[Pair], readings: Sequence[Reading]) -> list[list[Links]]:
    """For each pair its links by each reading; pairs of like length go through the model together."""
    order = sorted(range(len(pairs)), key=lambda i: -(len(pairs[i].target) + 1) * len(pairs[i].source))
    batches: list[list[int]] = []
    for index in order:
        batch = [*(batches[-1] if batches else []), index]
        steps = max(len(pairs[i].target) + 1 for i in batch)
        if batches and len(batch) * steps * max(len(pairs[i].source) for i in batch) <= _CELLS:
            batches[-1] = batch
        else:
            batches.append([index])

    def read(batch: list[int]) -> list[list[Links]]:
        maps = forced_cross(translator, [pairs[i].source for i in batch], [pairs[i].target for i in batch])
        return [
            [pairs[i].links(cross, reading) for reading in readings] for i, cross in zip(batch, maps, strict=True)
        ]

    found: list[list[Links]] = [[] for _ in pairs]
    for batch, links in zip(batches, in_parallel(read, batches, translator.network.device), strict=True):
        for index, row in zip(batch, links, strict=True):
            found[index] = row
    return found


def word_links(translator: Translator, sources: Sequence[str], targets: Sequence[str]) -> list[Links]:
    """As `align`, links alone.

    Raises:
        DataError: if a pair cannot be aligned, or there are not as many targets as sources.
    """
    found = align(translator, sources, targets)
    for number, pair in enumerate(found, 1):
        if pair.error is not None:
            raise DataError(f"pair {number}", pair.error)
    return [list(pair.links) for pair in found]
