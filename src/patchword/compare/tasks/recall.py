"""Recall at a distance, for an encoder alone: which token stood so many places before the last."""

import torch

from patchword.compare.tasks.classes import Classes, Split

PAD, START, END, QUERY = 0, 2, 3, 4  # of these, ids that contracts ask for have the contracts' defaults
FIRST = 5


def recall(
    distance: int,
    generator: torch.Generator,
    *,
    values: int = 8,
    fillers: int = 16,
    train: int = 4000,
    held_out: int = 500,
) -> Classes:
    """Sequences (count, distance + 1): a value, noise, and last a query, `distance` places behind the value.

    The class is the value. Noise is drawn from other tokens than values, so only the first place tells.

    Args:
        distance: from value to query, in tokens.
        generator: of all sequences.
        values: how many there are, the classes.
        fillers: how many tokens the noise is drawn from.
        train: sequences to learn from.
        held_out: sequences each for validation and test.
    """

    def made(count: int) -> Split:
        classes = torch.randint(values, (count,), generator=generator)
        noise = torch.randint(FIRST + values, FIRST + values + fillers, (count, distance - 1), generator=generator)
        query = torch.full((count, 1), QUERY)
        return Split(torch.cat([FIRST + classes[:, None], noise, query], dim=1), classes)

    return Classes(made(train), made(held_out), made(held_out), values)


def vocabulary(values: int = 8, fillers: int = 16) -> int:
    """How many token ids there are."""
    return FIRST + values + fillers
