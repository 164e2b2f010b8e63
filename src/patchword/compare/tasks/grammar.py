"""A small generated grammar: a subject and its verb agree in number across any distance."""

from collections.abc import Sequence

import torch
from torch import nn

from patchword.compare.tasks.pairs import FIRST, PAD, Pairs, Translation
from patchword.models.contracts import SequenceToSequence

NOUNS, VERBS, ADVERBS = 8, 8, 8
BARE = FIRST + 2 * NOUNS + ADVERBS  # the first of the bare verbs
AGREEING = BARE + VERBS  # the first of those with a number: singular and plural of each verb by turns
SIZE = AGREEING + 2 * VERBS


def agreement(
    generator: torch.Generator,
    *,
    distances: tuple[int, int],
    test_distance: int,
    train: int = 3000,
    held_out: int = 200,
) -> Translation:
    """Sentences "SUBJECT (of ATTRACTOR ADVERB ...) VERB": the verb agrees with the subject, not with what is between.

    In the source the verb is bare; in the target it has the subject's number. Between them stand as many words as the
    distance says, half of them nouns of either number, so that the nearest noun says nothing.

    Args:
        generator: of all sentences.
        distances: least and most words between subject and verb in training and validation.
        test_distance: in the test.
        train: pairs to learn from.
        held_out: pairs each for validation and test.
    """
    spread = distances[1] - distances[0] + 1

    def pairs(count: int) -> Pairs:
        return Pairs.of([_sentence(generator, distances[0] + _draw(generator, spread)) for _ in range(count)])

    return Translation(pairs(train), pairs(held_out), _sentences(generator, test_distance, held_out), SIZE)


def verbs_right(network: nn.Module, pairs: Pairs) -> float:
    """The share of pairs in which the verb's right form is likelier than its other one (Linzen et al. 2016).

    Under teacher forcing; guessing gives 0.5.
    """
    assert isinstance(network, SequenceToSequence)
    weight, bias = network.projection()
    right = 0
    for source, target in pairs.batches(network):
        rows, verb = torch.arange(len(target)), (target != PAD).sum(1) - 2  # the last word before the end token
        forms = target[rows, verb]
        other = AGREEING + ((forms - AGREEING) ^ 1)
        hidden = network.decode(target[:, :-1], network.encode(source), source)[rows, verb - 1]
        logits = nn.functional.linear(hidden, weight, bias)
        right += int((logits[rows, forms] > logits[rows, other]).sum())
    return right / len(pairs)


def verbs_by_distance(
    network: nn.Module, distances: Sequence[int], generator: torch.Generator, count: int
) -> dict[str, float]:
    """`verbs_right` of so many new sentences of each distance, named `distance2` and so on."""
    return {f"distance{n}": verbs_right(network, _sentences(generator, n, count)) for n in distances}


def _sentences(generator: torch.Generator, distance: int, count: int) -> Pairs:
    """Pairs whose subjects and verbs are all so many words apart."""
    return Pairs.of([_sentence(generator, distance) for _ in range(count)])


def _draw(generator: torch.Generator, most: int) -> int:
    return int(torch.randint(most, (1,), generator=generator))


def _sentence(generator: torch.Generator, distance: int) -> tuple[list[int], list[int]]:
    plural = _draw(generator, 2)
    noun = FIRST + 2 * _draw(generator, NOUNS)
    between = []
    for _ in range(distance):
        # A noun of any number, or an adverb, which has none.
        kind, first = (2 * NOUNS, FIRST) if _draw(generator, 2) else (ADVERBS, FIRST + 2 * NOUNS)
        between.append(first + _draw(generator, kind))
    stem = _draw(generator, VERBS)
    return [noun + plural, *between, BARE + stem], [noun + plural, *between, AGREEING + 2 * stem + plural]
