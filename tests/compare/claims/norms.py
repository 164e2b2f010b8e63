from patchword.compare.cell import Cell


def figures(cell: Cell, shallow: float, deep: float) -> dict[str, float]:
    norm, layers, _ = cell.settings
    lost = (deep if int(layers) >= 8 else shallow) if norm == "post" else 0.0
    found = {"validation": 0.9, "test": 0.95 - lost + 0.002 * (cell.seed % 2), "diverged": 0.0}
    return {**found, "gradient1": 0.1, "gradient2": 0.05}


def supported(cell: Cell) -> dict[str, float]:
    return figures(cell, 0.0, 0.6)


def contradicted(cell: Cell) -> dict[str, float]:
    return figures(cell, -0.03, 0.02)


def undecided(cell: Cell) -> dict[str, float]:
    return figures(cell, -0.3, 0.6)
