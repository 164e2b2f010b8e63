"""What every test shares: few threads, and the same random numbers each time."""

from collections.abc import Iterator

import pytest
import torch
from hypothesis import settings

settings.register_profile("patchword", derandomize=True, deadline=None, database=None, max_examples=25)
settings.load_profile("patchword")
torch.set_num_threads(2)


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    """Every test starts from the same state of torch's generator."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield
