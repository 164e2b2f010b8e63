from patchword.compare.cell import Cell


def figures(cell: Cell, sinusoidal: float, noise: float = 0.001) -> dict[str, float]:
    beyond = sinusoidal + noise * (cell.seed % 3 - 1) if cell.settings == ("sinusoidal",) else 0.3
    return {"validation": 0.99, "within": 0.9, "beyond": beyond, "end": 0.0, "parameters": 1000.0}


def supported(cell: Cell) -> dict[str, float]:
    return figures(cell, 0.6)


def contradicted(cell: Cell) -> dict[str, float]:
    return figures(cell, 0.31)


def undecided(cell: Cell) -> dict[str, float]:
    return figures(cell, 0.4, 0.1)
