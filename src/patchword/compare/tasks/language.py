"""A small made-up language and its translation, whose word links are known by construction."""

from dataclasses import dataclass

import torch

from patchword.compare.tasks.pairs import FIRST, Pairs, Translation

NOUNS, ADJECTIVES, VERBS = 10, 8, 8
_SOURCE = NOUNS + ADJECTIVES + VERBS
VOCABULARY = FIRST + 2 * _SOURCE + 2  # both languages' words, and two particles

Links = frozenset[tuple[int, int]]


@dataclass(frozen=True)
class Linked:
    """Pairs to translate, and which word is a translation of which.

    Attributes:
        task: the pairs.
        validation: links of each validation pair, (source word, target word), both from 0.
        test: of each test pair.
    """

    task: Translation
    validation: list[Links]
    test: list[Links]


def linked_language(generator: torch.Generator, *, train: int = 3000, held_out: int = 200) -> Linked:
    """Two to four noun phrases with a verb between each two.

    In the target an adjective stands behind its noun, and a verb is a stem and one of two particles, both of which
    are translations of it. So links are neither a diagonal nor one to one.

    Args:
        generator: of all sentences.
        train: pairs to learn from.
        held_out: pairs each for validation and test.
    """

    def draw(most: int) -> int:
        return int(torch.randint(most, (1,), generator=generator))

    def sentence() -> tuple[list[int], list[int], Links]:
        source: list[int] = []
        target: list[int] = []
        links: list[tuple[int, int]] = []
        for place in range(2 + draw(3)):
            if place:
                verb = draw(VERBS)
                links += [(len(source), len(target)), (len(source), len(target) + 1)]
                source.append(FIRST + NOUNS + ADJECTIVES + verb)
                target += [source[-1] + _SOURCE, VOCABULARY - 2 + verb % 2]
            noun, adjective = draw(NOUNS), draw(2 * ADJECTIVES)
            described = adjective < ADJECTIVES
            if described:
                links.append((len(source), len(target) + 1))
                source.append(FIRST + NOUNS + adjective)
            links.append((len(source), len(target)))
            source.append(FIRST + noun)
            target.append(source[-1] + _SOURCE)
            if described:
                target.append(source[-2] + _SOURCE)
        return source, target, frozenset(links)

    parts = [[sentence() for _ in range(count)] for count in (train, held_out, held_out)]
    pairs = [Pairs.of([(source, target) for source, target, _ in part]) for part in parts]
    links = [[found for _, _, found in part] for part in parts]
    return Linked(Translation(pairs[0], pairs[1], pairs[2], VOCABULARY), links[1], links[2])
