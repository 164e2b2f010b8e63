from patchword.compare.cell import Cell


def figures(cell: Cell, scratch: float, pretrained: float) -> dict[str, float]:
    side, start = cell.settings
    behind = (scratch if start == "scratch" else pretrained) * (side == "vit")
    right = (0.7 if start == "scratch" else 0.85) - behind + 0.002 * (cell.seed % 3) * (side == "vit")
    found = {f"{part}{n}": right + n / 1000 for part in ("test", "validation", "probe") for n in (5, 20, 100)}
    return {**found, "validation": right, "parameters": 1000.0, "train5": 1.0}


def supported(cell: Cell) -> dict[str, float]:
    return figures(cell, 0.2, 0.05)


def contradicted(cell: Cell) -> dict[str, float]:
    return figures(cell, 0.2, 0.21)


def undecided(cell: Cell) -> dict[str, float]:
    return figures(cell, 0.0, -0.1)
