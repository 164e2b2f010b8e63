from patchword.compare.cell import Cell


def figures(cell: Cell, residual: float, norm: float, shallow: float = 0.0) -> dict[str, float]:
    taken, layers = cell.settings
    lost = {"both": 0.0, "no-residual": residual, "no-norm": norm, "neither": 0.8}[taken]
    accuracy = 0.95 - (lost if int(layers) > 1 else shallow) + 0.002 * (cell.seed % 2)
    return {"validation": accuracy, "test": accuracy, "loss": 0.1, "diverged": 0.0, "parameters": 1000.0}


def supported(cell: Cell) -> dict[str, float]:
    return figures(cell, 0.7, 0.2)


def contradicted(cell: Cell) -> dict[str, float]:
    # A loss at one layer is not depth's doing, and does not count.
    return figures(cell, 0.05, -0.02, shallow=0.5 if cell.settings[0] != "both" else 0.0)


def undecided(cell: Cell) -> dict[str, float]:
    return figures(cell, 0.7, 0.02)
