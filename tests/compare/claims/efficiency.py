from patchword.compare.cell import Cell

PLACE = {"s": 0, "m": 1, "l": 2}


def figures(cell: Cell, gain: float, slower: float = 1.0) -> dict[str, float]:
    side, size = cell.settings
    vit = side == "vit"
    test = 0.5 + 0.1 * PLACE[size] + (gain + 0.001 * (cell.seed % 3)) * vit
    cost = 10.0 ** PLACE[size] * (1.0 if not vit else 0.9)
    found = {"operations": 1e9 * cost, "seconds_image": 1e-4 * cost * (slower if vit else 1.0)}
    return {**found, "test": test, "validation": test, "parameters": 1000.0}


def supported(cell: Cell) -> dict[str, float]:
    return figures(cell, 0.05)


def contradicted(cell: Cell) -> dict[str, float]:
    return figures(cell, -0.05)


def undecided(cell: Cell) -> dict[str, float]:
    return figures(cell, 0.03, slower=30.0)
