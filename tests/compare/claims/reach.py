from patchword.compare.cell import Cell


def figures(cell: Cell, far: float, focus: float = 1.0, noise: float = 0.0) -> dict[str, float]:
    change = 1 + noise * (cell.seed % 3 - 1)
    found = {"validation": 0.95, "test": 0.95}
    for state in ("untrained", "trained"):
        found |= {f"field_{state}{n}": float(n) for n in range(1, 4)}
        if cell.settings == ("vit",):
            found |= {f"attention_{state}{n}": 8.0 for n in range(1, 4)}
            found |= {f"pixels_{state}": 12 * far * change, f"far_{state}": far * change, f"focus_{state}": focus}
    return {**found, "uniform": 12.0}


def supported(cell: Cell) -> dict[str, float]:
    return figures(cell, 0.9)


def contradicted(cell: Cell) -> dict[str, float]:
    return figures(cell, 0.5)


def undecided(cell: Cell) -> dict[str, float]:
    # Far, but as uniform as an untrained one.
    return figures(cell, 1.0, focus=0.01)
