from patchword.compare.cell import Cell


def figures(cell: Cell, serial: float, parallel: float) -> dict[str, float]:
    side, length = cell.settings[0], int(cell.settings[1])
    rnn = side == "rnn"
    return {
        "seconds": length * (serial if rnn else parallel) * (1 + 0.01 * cell.seed),
        "seconds_one_core": float(length),
        "chain": 4.0 * length if rnn else 26.0,
        "cores": 2.0,
        "parameters": 1000.0,
    }


def supported(cell: Cell) -> dict[str, float]:
    return figures(cell, 3e-3, 1e-3)


def contradicted(cell: Cell) -> dict[str, float]:
    return figures(cell, 1e-3, 3e-3)


def undecided(cell: Cell) -> dict[str, float]:
    return figures(cell, 3e-3, 1e-3 if int(cell.settings[1]) < 512 else 9e-3)
