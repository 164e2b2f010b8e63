from patchword.compare.cell import Cell


def figures(cell: Cell, cnn: float, vit: float, noise: float = 0.001) -> dict[str, float]:
    kept = (cnn if cell.settings == ("cnn",) else vit) + noise * (cell.seed % 3 - 1)
    return {"validation": 0.95, "test": 0.95, "shuffled": 0.3, **{f"same{n}": kept for n in range(1, 9)}}


def supported(cell: Cell) -> dict[str, float]:
    return figures(cell, 0.98, 0.7)


def contradicted(cell: Cell) -> dict[str, float]:
    return figures(cell, 0.85, 0.7)


def undecided(cell: Cell) -> dict[str, float]:
    return figures(cell, 0.95, 0.7, 0.02)
