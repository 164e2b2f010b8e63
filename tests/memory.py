"""The memory that this process has had."""

import resource
import sys


def peak_memory() -> int:
    """Bytes at the most since the process began; other tests of it may have had more than the one that asks."""
    found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found if sys.platform == "darwin" else 1024 * found
