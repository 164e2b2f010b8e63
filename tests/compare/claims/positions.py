from patchword.compare.cell import Cell


def figures(cell: Cell, reversing: float, translation: float) -> dict[str, float]:
    lost = {"both": 1.0, "encoder": 0.8, "decoder": 0.1}[cell.settings[1]] if cell.settings[0] == "none" else 0.0
    noise = 0.003 * cell.seed
    found = {"reversing": 0.95 - reversing * lost + noise, "translation": 0.9 - translation * lost - noise}
    return {**found, "validation": 0.9, "permutation": 0.0}


def supported(cell: Cell) -> dict[str, float]:
    return figures(cell, 0.5, 0.2)


def contradicted(cell: Cell) -> dict[str, float]:
    return figures(cell, 0.01, 0.01)


def undecided(cell: Cell) -> dict[str, float]:
    return figures(cell, 0.5, 0.01)
