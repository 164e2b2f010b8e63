"""Copying, reversing and sorting: what a sequence-to-sequence network must know the order of its input for."""

from collections.abc import Callable, Mapping

import torch

from patchword.compare.tasks.pairs import FIRST, Pairs, Translation

TRANSFORMATIONS: Mapping[str, Callable[[list[int]], list[int]]] = {
    "copy": lambda symbols: list(symbols),
    "reverse": lambda symbols: symbols[::-1],
    "sort": sorted,
}


def transformation(
    name: str,
    generator: torch.Generator,
    *,
    lengths: tuple[int, int] = (4, 10),
    symbols: int = 12,
    train: int = 3000,
    held_out: int = 200,
    test_lengths: tuple[int, int] | None = None,
) -> Translation:
    """Random symbols and the same in another order. Sorting alone can be done without knowing the input's order.

    Args:
        name: in `TRANSFORMATIONS`.
        generator: of all sequences.
        lengths: least and most symbols.
        symbols: how many there are.
        train: pairs to learn from.
        held_out: pairs each for validation and test.
        test_lengths: of the test, if they are others.
    """
    change = TRANSFORMATIONS[name]

    def made(count: int, bounds: tuple[int, int]) -> Pairs:
        sizes = torch.randint(bounds[0], bounds[1] + 1, (count,), generator=generator).tolist()
        rows = [torch.randint(FIRST, FIRST + symbols, (size,), generator=generator).tolist() for size in sizes]
        return Pairs.of([(row, change(row)) for row in rows])

    return Translation(
        made(train, lengths), made(held_out, lengths), made(held_out, test_lengths or lengths), FIRST + symbols
    )
