"""A small generated grammar: a subject and its verb agree in number across any distance."""

from dataclasses import dataclass

import torch

from patchword.compare.tasks.pairs import FIRST, Pairs, Translation

NOUNS, VERBS, ADVERBS = 8, 8, 8


@dataclass(frozen=True)
class Agreement:
    """Sentences to train on, and pairs to test agreement.

    Attributes:
        task: source sentences with bare verbs, target sentences with verbs that agree with their subjects.
        verb: for each test pair the place of the subject's verb in the target, counted with the start token.
        number: of the subject, 0 or 1, for each test pair.
    """

    task: Translation
    verb: torch.Tensor
    number: torch.Tensor


def agreement(
    generator: torch.Generator,
    *,
    distances: tuple[int, int],
    test_distance: int,
    train: int = 3000,
    held_out: int = 200,
) -> Agreement:
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
    test, verb, number = [], [], []

    def draw(most: int) -> int:
        return int(torch.randint(most, (1,), generator=generator))

    def sentence(distance: int) -> tuple[list[int], list[int], int]:
        plural = draw(2)
        noun = FIRST + 2 * draw(NOUNS)
        between = []
        for _ in range(distance):
            # A noun of any number, or an adverb, which has none.
            between.append(FIRST + draw(2 * NOUNS) if draw(2) else FIRST + 2 * NOUNS + draw(ADVERBS))
        base = FIRST + 2 * NOUNS + ADVERBS
        stem = draw(VERBS)
        source = [noun + plural, *between, base + stem]
        target = [noun + plural, *between, base + VERBS + 2 * stem + plural]
        return source, target, plural

    def pairs(count: int) -> list[tuple[list[int], list[int]]]:
        spread = distances[1] - distances[0] + 1
        return [sentence(distances[0] + draw(spread))[:2] for _ in range(count)]

    learned, validation = pairs(train), pairs(held_out)
    for _ in range(held_out):
        source, target, plural = sentence(test_distance)
        test.append((source, target))
        verb.append(len(target))  # the last word, behind the start token
        number.append(plural)
    size = FIRST + 2 * NOUNS + ADVERBS + 3 * VERBS
    task = Translation(Pairs.of(learned), Pairs.of(validation), Pairs.of(test), size)
    return Agreement(task, torch.tensor(verb), torch.tensor(number))
