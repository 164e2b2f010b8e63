from patchword.compare.cell import Cell


def figures(cell: Cell, rnn: float, seconds: float) -> dict[str, float]:
    rnn_side = cell.settings[0] == "rnn"
    accuracy = 0.8 + (rnn if rnn_side else 0.0) + 0.001 * (cell.seed % 2)
    parts = {f"part{n}": accuracy * n / 8 for n in range(1, 9)}
    return {"validation": accuracy, "test": accuracy, "seconds_steps": seconds if rnn_side else 1.0, **parts}


def supported(cell: Cell) -> dict[str, float]:
    return figures(cell, 0.05, 0.7)


def contradicted(cell: Cell) -> dict[str, float]:
    return figures(cell, -0.05, 1.5)


def undecided(cell: Cell) -> dict[str, float]:
    return figures(cell, 0.05, 3.0)
