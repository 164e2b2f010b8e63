from patchword.compare.cell import Cell


def figures(cell: Cell, rnn: float, noise: float = 0.001) -> dict[str, float]:
    accuracy = 0.99 if cell.settings[0] == "transformer" else rnn + noise * (cell.seed % 3 - 1)
    return {"validation": accuracy, "test": accuracy, "loss": 0.1, "diverged": 0.0, "parameters": 1000.0}


def supported(cell: Cell) -> dict[str, float]:
    return figures(cell, 0.3)


def contradicted(cell: Cell) -> dict[str, float]:
    return figures(cell, 0.985)


def undecided(cell: Cell) -> dict[str, float]:
    return figures(cell, 0.9, 0.09)
