"""How many threads suit a training on this machine at this moment.

torch's threads wait for each other by spinning. Where another program keeps a core busy, each wait lasts until the
system lets the last thread run, and two threads are several times slower than one.
"""

import os
import time
from statistics import median

import torch

ROUNDS = 5
PRODUCTS = 40  # a round, of the size of a small model's
# Times as long as one thread: so small products gain little on many cores, and beside another program several
# threads take ten times as long.
SLOWER = 1.5
ABOUT = 1.1  # times as long as the fastest number: as fast


def suitable_threads(most: int) -> tuple[int, float]:
    """Measure, for about half a second on an idle machine.

    Args:
        most: the highest number, which is taken unless another is much faster.

    Returns:
        a number, and the time that `most` threads take as a multiple of what it takes, or one thread; torch's own
        number is afterwards as it was.
    """
    if most == 1:
        return 1, 1.0
    a, b = torch.ones(256, 256), torch.ones(256, 512)
    # Beside one busy program all cores but one may do; beside many, one is what is sure.
    seconds: dict[int, list[float]] = {threads: [] for threads in (most, most - 1, most // 2, 1)}
    before = torch.get_num_threads()
    try:
        for _ in range(ROUNDS):
            for threads, found in seconds.items():
                torch.set_num_threads(threads)
                torch.nn.functional.gelu(a @ b)
                start = time.perf_counter()
                for _ in range(PRODUCTS):
                    torch.nn.functional.gelu(a @ b)
                found.append(time.perf_counter() - start)
    finally:
        torch.set_num_threads(before)
    medians = {threads: median(found) for threads, found in seconds.items()}
    if medians[most] < SLOWER * medians[1]:
        return most, medians[most] / medians[1]
    fastest = min(medians.values())
    threads = max(threads for threads, taken in medians.items() if taken <= ABOUT * fastest)
    return threads, medians[most] / medians[threads]


def share_of_threads(wanted: int | None, processes: int) -> int:
    """The threads of one of several processes on this machine, which more threads than cores would only slow down.

    Args:
        wanted: by the recipe; None for as many as torch takes, which is one where torchrun says so.
        processes: how many share the machine.
    """
    share = max(1, (os.cpu_count() or 1) // processes)
    return min(wanted or torch.get_num_threads(), share)
