"""How many threads suit a training on this machine at this moment.

torch's threads wait for each other by spinning. Where another program keeps a core busy, each wait lasts until the
system lets the last thread run, and two threads are several times slower than one.
"""

import os
import time

import torch
from torch.nn.functional import layer_norm, relu

ROUNDS = 8
BLOCKS = 8  # a round: the feed-forward half of a small model's block
# Times as long as one thread: alone two take 0.6 to 0.7, beside a busy program 1.9 and more.
SLOWER = 1.2
HOPELESS = 3.0  # times as long as the fastest number: measured no more, which would take seconds
ABOUT = 1.1  # times as long as the fastest number: as fast


def suitable_threads(most: int) -> tuple[int, float]:
    """Measure, for about half a second on an idle machine.

    Args:
        most: the highest number, which is taken unless one thread is faster.

    Returns:
        a number, and the time that `most` threads take as a multiple of what it takes, or one thread; torch's own
        number is afterwards as it was.
    """
    if most == 1:
        return 1, 1.0
    # Beside one busy program all cores but one may do; beside many, one is what is sure.
    taken: dict[int, list[float]] = {threads: [] for threads in (1, most // 2, most - 1, most)}
    before = torch.get_num_threads()
    try:
        for _ in range(ROUNDS):
            for threads, rounds in taken.items():
                if not rounds or _mean(rounds) < HOPELESS * min(_mean(each) for each in taken.values() if each):
                    rounds.append(_round(threads))
    finally:
        torch.set_num_threads(before)
    # Means: what threads lose beside others are long waits now and then, which medians leave out.
    means = {threads: _mean(rounds) for threads, rounds in taken.items()}
    if means[most] < SLOWER * means[1]:
        return most, means[most] / means[1]
    fastest = min(means.values())
    threads = max(threads for threads, mean in means.items() if mean <= ABOUT * fastest)
    return threads, means[most] / means[threads]


def _round(threads: int) -> float:
    torch.set_num_threads(threads)
    rows, inner, outer = torch.ones(512, 128), torch.ones(128, 512), torch.ones(512, 128)
    _block(rows, inner, outer)  # starts the threads
    start = time.perf_counter()
    for _ in range(BLOCKS):
        rows = _block(rows, inner, outer)
    return time.perf_counter() - start


def _block(rows: torch.Tensor, inner: torch.Tensor, outer: torch.Tensor) -> torch.Tensor:
    return layer_norm(rows + relu(rows @ inner) @ outer, rows.shape[1:])


def _mean(seconds: list[float]) -> float:
    return sum(seconds) / len(seconds)


def share_of_threads(wanted: int | None, processes: int) -> int:
    """The threads of one of several processes on this machine, which more threads than cores would only slow down.

    Args:
        wanted: by the recipe; None for as many as torch takes, which is one where torchrun says so.
        processes: how many share the machine.
    """
    share = max(1, (os.cpu_count() or 1) // processes)
    return min(wanted or torch.get_num_threads(), share)
