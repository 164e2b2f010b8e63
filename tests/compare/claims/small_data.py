from patchword.compare.cell import Cell


def figures(cell: Cell, vit: float, learned: float = 1.0) -> dict[str, float]:
    test = (vit if cell.settings[0] == "vit" else 0.8) + 0.001 * (cell.seed % 2)
    train = learned if cell.settings[0] == "vit" else 0.999
    return {"validation": test, "test": test, "train": train, "gap": train - test, "parameters": 1000.0}


def supported(cell: Cell) -> dict[str, float]:
    return figures(cell, 0.6 + 0.002 * (cell.seed % 3))


def contradicted(cell: Cell) -> dict[str, float]:
    return figures(cell, 0.8 + 0.002 * (cell.seed % 3))


def undecided(cell: Cell) -> dict[str, float]:
    return figures(cell, 0.6 + 0.002 * (cell.seed % 3), learned=0.85)
