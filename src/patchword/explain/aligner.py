"""Word links of given sentence pairs, by forced decoding."""

from collections.abc import Sequence
from dataclasses import dataclass

from patchword.errors import DataError
from patchword.explain.alignment import Links, Reading, links_of, spread, word_weights
from patchword.explain.measuring import kept
from patchword.explain.words import piece_words, places, text_words
from patchword.text.attended import AttendedPair
from patchword.text.replicas import in_parallel
from patchword.text.translator import Translator

AT_ONCE = 64  # pairs of like length that a thread reads, whose maps are in memory together


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


def reading_of(translator: Translator) -> tuple[Reading, float | None]:
    """How a translator's attention is read, and the alignment error measured for it, in percent, if any was."""
    layers = attention_layers(translator)
    found = kept(translator).get("alignment")
    reading = Reading.parse(found.get("reading") if isinstance(found, dict) else None, layers)
    if reading is None or not isinstance(found, dict):
        return Reading.usual(layers), None
    error = found.get("error")
    return reading, float(error) if isinstance(error, int | float) and not isinstance(error, bool) else None


def attention_layers(translator: Translator) -> int:
    """How many layers a translator's "cross" map has."""
    return int(
        translator.forced([""], [[translator.vocabulary.eos_id]], likeliest=0)[0].evidence["cross"].values.size(0)
    )


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
    words = [
        (tuple(text_words(source)), tuple(text_words(target))) for source, target in zip(sources, targets, strict=True)
    ]
    results = [Aligned(*both, ()) for both in words]
    whole = [index for index, both in enumerate(words) if all(both)]
    found = linked(translator, [(sources[i], targets[i]) for i in whole], [reading])
    for index, links in zip(whole, found, strict=True):
        both = words[index]
        results[index] = Aligned(*both, (), links) if isinstance(links, str) else Aligned(*both, tuple(links[0]))
    return results


def linked(
    translator: Translator, pairs: Sequence[tuple[str, str]], readings: Sequence[Reading]
) -> list[list[Links] | str]:
    """For each pair, of which no side is empty, its links by each reading, or why there are none.

    Pairs of like length are read together.
    """
    order = sorted(range(len(pairs)), key=lambda i: -sum(map(len, pairs[i])))
    batches = [order[start : start + AT_ONCE] for start in range(0, len(order), AT_ONCE)]

    def read(batch: list[int]) -> list[list[Links] | str]:
        try:
            seen = translator.forced([pairs[i][0] for i in batch], [pairs[i][1] for i in batch], likeliest=0)
        except DataError as error:
            if len(batch) == 1:
                return [str(error).removeprefix("pair 1: ")]
            return [links for i in batch for links in read([i])]
        return [
            [pair_links(one, reading, *pairs[i]) for reading in readings] for i, one in zip(batch, seen, strict=True)
        ]

    found: list[list[Links] | str] = [""] * len(pairs)
    for batch, links in zip(batches, in_parallel(read, batches, translator.network.device), strict=True):
        for index, row in zip(batch, links, strict=True):
            found[index] = row
    return found


def pair_links(pair: AttendedPair, reading: Reading, source: str, target: str) -> Links:
    """Links between the words of two texts.

    Args:
        pair: as the model read it, to the end token.
        reading: how.
        source: the text.
        target: its translation.
    """
    source_words, target_words = (
        piece_words(pair.source_pieces[:-1], False),
        piece_words(pair.target_pieces[:-1], False),
    )
    weights = word_weights(pair.evidence["cross"].values[:, 0], reading, source_words, target_words)
    links = links_of(weights, reading.both)
    return spread(links, places(source_words, source), places(target_words, target))


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
