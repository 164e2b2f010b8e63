from patchword.compare.cell import Cell

PATCH = {"vit16": 16, "vit4": 4, "cnn": 16}


def figures(cell: Cell, power: float, noise: float = 0.001) -> dict[str, float]:
    patches = (int(cell.settings[1]) // PATCH[cell.settings[0]]) ** 2
    power = 1.0 if cell.settings[0] == "cnn" else power + noise * (cell.seed % 3 - 1) * (patches > 2000)
    found = {"operations": 1e6 * patches, "share": patches / (patches + 1152), "peak": 1e6 * patches}
    return {**found, "seconds": 1e-5 * patches**power, "parameters": 1e6}


def supported(cell: Cell) -> dict[str, float]:
    return figures(cell, 1.9)


def contradicted(cell: Cell) -> dict[str, float]:
    return figures(cell, 1.2)


def undecided(cell: Cell) -> dict[str, float]:
    return figures(cell, 1.5, 0.02)
