"""How much of the fuzzing runs: a quick share in `make test`, all of it in `make fuzz`."""

import os
import random
from collections.abc import Iterator

WHOLE = os.environ.get("PATCHWORD_FUZZ") == "whole"
QUICK = 200  # one case of this many


def cases(count: int, seed: int = 0) -> Iterator[random.Random]:
    """A generator of random numbers for each case; the quick share is the first cases of the whole."""
    for case in range(count if WHOLE else max(10, count // QUICK)):
        yield random.Random(f"{seed}:{case}")
